// SPDX-License-Identifier: Apache-2.0

package plugintest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// oven is a Backend, and a Store, whose Build is a function.
type oven struct {
	build   func(context.Context, *backendv1.Start, backend.Job) (*backendv1.Artifact, error)
	content string
	gone    *bool
}

func (o oven) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	return &backendv1.DescribeResponse{}, nil
}

func (o oven) Build(ctx context.Context, s *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
	return o.build(ctx, s, j)
}

func (o oven) Has(context.Context, *backendv1.HasRequest) (bool, error) {
	return o.gone == nil || !*o.gone, nil
}

func (o oven) Export(_ context.Context, r *backendv1.ExportRequest) error {
	for _, d := range r.GetDigests() {
		if err := os.WriteFile(filepath.Join(r.GetDirectory(), d[len("sha256:"):]), []byte(o.content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (o oven) Remove(context.Context, *backendv1.RemoveRequest) error {
	if o.gone != nil {
		*o.gone = true
	}
	return nil
}

const layer = "a layer"

func artifact() *backendv1.Artifact {
	return &backendv1.Artifact{Handle: "h", Blobs: []*backendv1.Blob{{
		Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(layer))), Size: int64(len(layer)), Ref: &backendv1.StepRef{Step: 1},
	}}}
}

// twoSteps is a container build of one stage with two steps.
func twoSteps() *backendv1.Start {
	return &backendv1.Start{Build: &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Container{Container: &irv1.ResolvedContainer{
		Stages: []*irv1.ResolvedStage{{Steps: []*irv1.ResolvedStep{{}, {}}}},
	}}}}
}

func TestBuildFindsWhatIsWrong(t *testing.T) {
	ref := func(step uint32) *backendv1.StepRef { return &backendv1.StepRef{Step: step} }
	both := func(j backend.Job) {
		for i := range uint32(2) {
			j.StepStarted(ref(i), "")
			j.Output(ref(i), false, []byte("x"))
			j.StepFinished(ref(i), false)
		}
	}
	for _, tt := range []struct {
		name  string
		build func(backend.Job) (*backendv1.Artifact, error)
		want  string
	}{
		{"nothing", func(j backend.Job) (*backendv1.Artifact, error) { both(j); return artifact(), nil }, ""},
		{"a good failure", func(j backend.Job) (*backendv1.Artifact, error) {
			j.StepStarted(ref(0), "")
			return nil, &backend.Failure{Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Ref: ref(0), Message: "m", ExitCode: 3}
		}, ""},
		{"output before the start", func(j backend.Job) (*backendv1.Artifact, error) {
			j.Output(ref(0), false, nil)
			both(j)
			return artifact(), nil
		}, "has not started"},
		{"not finished", func(j backend.Job) (*backendv1.Artifact, error) { j.StepStarted(ref(0), ""); return artifact(), nil }, "was not finished"},
		{"twice", func(j backend.Job) (*backendv1.Artifact, error) {
			both(j)
			j.StepStarted(ref(1), "")
			return artifact(), nil
		}, "a second time"},
		{"out of order", func(j backend.Job) (*backendv1.Artifact, error) {
			j.StepStarted(ref(1), "")
			j.StepStarted(ref(0), "")
			return nil, errors.New("x")
		}, "out of order"},
		{"unknown step", func(j backend.Job) (*backendv1.Artifact, error) {
			j.StepStarted(ref(7), "")
			j.StepFinished(ref(7), false)
			return artifact(), nil
		}, "not there"},
		{"unknown input", func(j backend.Job) (*backendv1.Artifact, error) { j.InputRead("moon", "m", ""); return artifact(), nil }, "[B15]"},
		{"nothing at all", func(backend.Job) (*backendv1.Artifact, error) { return nil, nil }, "neither"},
		{"both", func(backend.Job) (*backendv1.Artifact, error) { return artifact(), errors.New("x") }, "both"},
		{"no handle", func(backend.Job) (*backendv1.Artifact, error) {
			a := artifact()
			a.Handle = ""
			return a, nil
		}, "no handle"},
		{"bad digest", func(backend.Job) (*backendv1.Artifact, error) {
			a := artifact()
			a.Blobs[0].Digest = "md5:1"
			return a, nil
		}, "[B11]"},
		{"blob of another size", func(backend.Job) (*backendv1.Artifact, error) {
			a := artifact()
			a.Blobs[0].Size++
			return a, nil
		}, "[B12]"},
		{"exit code without a step", func(backend.Job) (*backendv1.Artifact, error) {
			return nil, &backend.Failure{Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Message: "m", ExitCode: 3}
		}, "[B16]"},
		{"failure without a kind", func(backend.Job) (*backendv1.Artifact, error) { return nil, &backend.Failure{Message: "m"} }, "no kind"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{TB: t}
			plugintest.Build(r, oven{content: layer, build: func(_ context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
				return tt.build(j)
			}}, twoSteps(), nil)
			r.wants(t, tt.want)
		})
	}
}

func TestBuildReturnsEverything(t *testing.T) {
	job := &plugintest.Job{Secrets: map[string][]byte{"token": []byte("s3cret")}, Agents: map[string]string{"default": "/agent"}}
	built := plugintest.Build(t, oven{content: layer, build: func(ctx context.Context, s *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		if s.GetTempDir() == "" || s.GetStateDir() == "" || s.GetJobId() == "" {
			t.Error("the build has no folders")
		}
		secret, ok, err := j.Secret(ctx, "token")
		_, absent, _ := j.Secret(ctx, "other")
		socket, agent, _ := j.SSH(ctx, "default")
		if string(secret) != "s3cret" || !ok || err != nil || absent || socket != "/agent" || !agent {
			t.Error("questions are not answered")
		}
		j.InputRead("tool", "go", "go1.26")
		j.Warn(nil, &backendv1.Finding{})
		return artifact(), nil
	}}, twoSteps(), job)
	if len(built.Events) != 2 || string(built.Blobs[built.Artifact.GetBlobs()[0].GetDigest()]) != layer {
		t.Errorf("got %+v", built)
	}
}

func TestCancelAndForget(t *testing.T) {
	endless := oven{build: func(ctx context.Context, _ *backendv1.Start, j backend.Job) (*backendv1.Artifact, error) {
		j.StepStarted(&backendv1.StepRef{}, "")
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	plugintest.Cancel(t, endless, twoSteps())

	quiet := &recorder{TB: t}
	plugintest.Cancel(quiet, oven{build: func(context.Context, *backendv1.Start, backend.Job) (*backendv1.Artifact, error) {
		return artifact(), nil
	}}, twoSteps())
	quiet.wants(t, "[B5]")

	gone := false
	plugintest.Forget(t, oven{gone: &gone}, t.TempDir(), "h")
	stays := &recorder{TB: t}
	plugintest.Forget(stays, oven{}, t.TempDir(), "h")
	stays.wants(t, "after it was removed")
}
