// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// greeter is a backend whose only step needs a secret.
type greeter struct{}

var _ backend.Backend = greeter{}

func (greeter) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	return &backendv1.DescribeResponse{}, nil
}

func (greeter) Build(ctx context.Context, _ *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	step := &backendv1.StepRef{}
	job.StepStarted(step, "greet")
	name, ok, err := job.Secret(ctx, "name")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, backend.Sourcef(step, "the secret \"name\" was not given")
	}
	job.Output(step, false, append([]byte("hello, "), name...))
	job.StepFinished(step, false)
	return &backendv1.Artifact{Handle: "greeting"}, nil
}

// A backend is an interface; without a process and without gRPC it is tested
// like any other. Its main package is
//
//	func main() { serve.Main(greeter{}) }
func Example() {
	artifact, err := greeter{}.Build(context.Background(), &backendv1.Start{}, &plugintest.Job{
		Secrets: map[string][]byte{"name": []byte("Ada")},
	})
	fmt.Println(artifact.GetHandle(), err)

	var failure *backend.Failure
	_, err = greeter{}.Build(context.Background(), &backendv1.Start{}, &plugintest.Job{})
	fmt.Println(errors.As(err, &failure), failure.Kind, failure)
	// Output:
	// greeting <nil>
	// true FAILURE_KIND_SOURCE the secret "name" was not given
}
