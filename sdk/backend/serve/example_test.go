// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"context"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

type nothing struct{}

func (nothing) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	return &backendv1.DescribeResponse{}, nil
}

func (nothing) Build(context.Context, *backendv1.Start, backend.Job) (*backendv1.Artifact, error) {
	return nil, backend.Machinef(nil, "this backend builds nothing")
}

// The main package of a backend.
func Example() {
	serve.Main(nothing{})
}
