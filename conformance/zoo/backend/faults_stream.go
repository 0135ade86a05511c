// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// streamFaults are about the conversation of a build.
var streamFaults = map[string]fault{
	"start-not-needed": {anyStart: true},
	"cancel-ignored":   {request: func(_ *build, r *backendv1.BuildRequest) bool { return r.GetCancel() == nil }},
	"cancel-late": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if r.GetCancel() != nil {
			time.Sleep(7 * time.Second)
		}
		return true
	}},
	"goes-on-without-host": {deafToHost: true},
	"dies-of-new-requests": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if r.GetMessage() == nil {
			os.Exit(4)
		}
		return true
	}},
	"builds-unknown-features": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if build := r.GetStart().GetBuild(); build != nil {
			build.Features = nil
		}
		return true
	}},
	"builds-unknown-fields": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if build := r.GetStart().GetBuild(); build != nil {
			data, err := build.MarshalJSON()
			if build.Reset(); err == nil {
				_ = build.UnmarshalJSON(data)
			}
		}
		return true
	}},
	"ignores-not-read": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		for _, c := range r.GetStart().GetContexts() {
			c.Ignore = nil
		}
		return true
	}},
	"writes-to-images": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if dir := r.GetStart().GetImagesDir(); dir != "" {
			_ = os.WriteFile(filepath.Join(dir, "zoo"), nil, 0o600)
		}
		return true
	}},
	"writes-to-context": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		for _, c := range r.GetStart().GetContexts() {
			_ = os.WriteFile(filepath.Join(c.GetPath(), "zoo"), nil, 0o600)
		}
		return true
	}},
	"crash-in-build": {event: func(b *build, e *backendv1.BuildEvent) error {
		if e.GetStepFinished() != nil {
			os.Exit(3)
		}
		return b.host.Send(e)
	}},
	"step-not-started":  {event: without(func(e *backendv1.BuildEvent) bool { return e.GetStepStarted() != nil })},
	"step-not-finished": {event: without(func(e *backendv1.BuildEvent) bool { return e.GetStepFinished() != nil })},
	"output-lost":       {event: without(func(e *backendv1.BuildEvent) bool { return e.GetOutput() != nil })},
	"output-as-stdout": {event: changed(func(e *backendv1.BuildEvent) {
		if o := e.GetOutput(); o != nil {
			o.Stderr = false
		}
	})},
	"output-without-ends": {event: changed(func(e *backendv1.BuildEvent) {
		if o := e.GetOutput(); o != nil {
			o.Data = []byte(strings.TrimSpace(string(o.Data)))
		}
	})},
	"step-twice": {event: func(b *build, e *backendv1.BuildEvent) error {
		if e.GetStepStarted() != nil {
			if err := b.host.Send(e); err != nil {
				return err
			}
		}
		return b.host.Send(e)
	}},
	"step-unknown": {event: changed(func(e *backendv1.BuildEvent) {
		for _, ref := range []*backendv1.StepRef{e.GetStepStarted().GetRef(), e.GetStepFinished().GetRef(), e.GetOutput().GetRef()} {
			if ref != nil {
				ref.Step += 90
			}
		}
	})},
	"cached-always": {event: changed(func(e *backendv1.BuildEvent) {
		if f := e.GetStepFinished(); f != nil {
			f.Cached = true
		}
	})},
}

// endFaults are about the end of a build.
var endFaults = map[string]fault{
	"end-twice": {event: func(b *build, e *backendv1.BuildEvent) error {
		if e.GetArtifact() != nil {
			if err := b.host.Send(e); err != nil {
				return err
			}
		}
		return b.host.Send(e)
	}},
	"end-missing": {event: func(b *build, e *backendv1.BuildEvent) error {
		if e.GetArtifact() != nil {
			return nil
		}
		return b.host.Send(e)
	}},
	"end-then-more": {event: func(b *build, e *backendv1.BuildEvent) error {
		if err := b.host.Send(e); err != nil || e.GetArtifact() == nil {
			return err
		}
		return b.host.Send(&backendv1.BuildEvent{Event: &backendv1.BuildEvent_Output{Output: &backendv1.Output{Ref: &backendv1.StepRef{}}}})
	}},
	"failure-as-status": {event: func(b *build, e *backendv1.BuildEvent) error {
		if f := e.GetFailed(); f != nil {
			return status.Error(codes.Unknown, f.GetMessage())
		}
		return b.host.Send(e)
	}},
	"failure-as-artifact": {event: changed(func(e *backendv1.BuildEvent) {
		if e.GetFailed() != nil {
			e.Event = &backendv1.BuildEvent_Artifact{Artifact: &backendv1.Artifact{Handle: "none"}}
		}
	})},
	"failure-exit-code-lost":   {event: failing(func(f *backendv1.Failed) { f.ExitCode = 0 })},
	"failure-without-step":     {event: failing(func(f *backendv1.Failed) { f.Ref = nil })},
	"failure-without-message":  {event: failing(func(f *backendv1.Failed) { f.Message = "" })},
	"failure-kind-internal":    {event: failing(func(f *backendv1.Failed) { f.Kind = backendv1.FailureKind_FAILURE_KIND_INTERNAL })},
	"failure-kind-unspecified": {event: failing(func(f *backendv1.Failed) { f.Kind = 0 })},
	"handle-missing":           {event: ending(func(a *backendv1.Artifact) { a.Handle = "" })},
	"blob-size-wrong":          {event: ending(func(a *backendv1.Artifact) { eachBlob(a, func(b *backendv1.Blob) { b.Size++ }) })},
	"blob-digest-malformed": {event: ending(func(a *backendv1.Artifact) {
		eachBlob(a, func(b *backendv1.Blob) { b.Digest = strings.ToUpper(b.Digest) })
	})},
	"blob-missing": {event: ending(func(a *backendv1.Artifact) { a.Blobs = a.Blobs[:max(0, len(a.Blobs)-1)] })},
	"blob-twice": {event: ending(func(a *backendv1.Artifact) {
		if len(a.Blobs) > 0 {
			a.Blobs = append(a.Blobs, a.Blobs[0])
		}
	})},
	"blobs-reversed": {event: ending(func(a *backendv1.Artifact) {
		for i, j := 0, len(a.Blobs)-1; i < j; i, j = i+1, j-1 {
			a.Blobs[i], a.Blobs[j] = a.Blobs[j], a.Blobs[i]
		}
	})},
	"blob-of-unknown-step": {event: ending(func(a *backendv1.Artifact) {
		eachBlob(a, func(b *backendv1.Blob) { b.Ref = &backendv1.StepRef{Step: 99} })
	})},
}

// without keeps some events.
func without(unwanted func(*backendv1.BuildEvent) bool) func(*build, *backendv1.BuildEvent) error {
	return func(b *build, e *backendv1.BuildEvent) error {
		if unwanted(e) {
			return nil
		}
		return b.host.Send(e)
	}
}

// changed changes events.
func changed(change func(*backendv1.BuildEvent)) func(*build, *backendv1.BuildEvent) error {
	return func(b *build, e *backendv1.BuildEvent) error {
		change(e)
		return b.host.Send(e)
	}
}

// failing changes failures.
func failing(change func(*backendv1.Failed)) func(*build, *backendv1.BuildEvent) error {
	return changed(func(e *backendv1.BuildEvent) {
		if f := e.GetFailed(); f != nil {
			change(f)
		}
	})
}

// ending changes artifacts.
func ending(change func(*backendv1.Artifact)) func(*build, *backendv1.BuildEvent) error {
	return changed(func(e *backendv1.BuildEvent) {
		if a := e.GetArtifact(); a != nil {
			change(a)
		}
	})
}

func eachBlob(a *backendv1.Artifact, do func(*backendv1.Blob)) {
	for _, b := range a.GetBlobs() {
		do(b)
	}
}
