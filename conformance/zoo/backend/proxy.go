// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/backendv1/backendv1grpc"
)

// proxy passes calls on to a good backend, and breaks one thing.
type proxy struct {
	backendv1grpc.UnimplementedBackendServer
	good  backendv1grpc.BackendClient
	fault fault

	mu      sync.Mutex
	ending  bool
	running map[*context.CancelFunc]bool
}

// Describe implements the protocol.
func (p *proxy) Describe(ctx context.Context, r *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	res, err := p.good.Describe(ctx, r)
	if err == nil && p.fault.describe != nil {
		err = p.fault.describe(r, res)
	}
	return res, err
}

// Has implements the protocol.
func (p *proxy) Has(ctx context.Context, r *backendv1.HasRequest) (*backendv1.HasResponse, error) {
	res, err := p.good.Has(ctx, r)
	if p.fault.has != nil {
		return p.fault.has(r, res, err)
	}
	return res, err
}

// Export implements the protocol.
func (p *proxy) Export(ctx context.Context, r *backendv1.ExportRequest) (*backendv1.ExportResponse, error) {
	kept, rest := takeKept(r)
	if len(rest) > 0 || len(kept) == 0 {
		r.Digests = rest
		if _, err := p.good.Export(ctx, r); err != nil {
			return nil, err
		}
	}
	for digest, data := range kept {
		if err := os.WriteFile(filepath.Join(r.GetDirectory(), hexOf(digest)), data, 0o600); err != nil {
			return nil, err
		}
	}
	if p.fault.export != nil {
		if err := p.fault.export(r); err != nil {
			return nil, err
		}
	}
	return &backendv1.ExportResponse{}, nil
}

// Remove implements the protocol.
func (p *proxy) Remove(ctx context.Context, r *backendv1.RemoveRequest) (*backendv1.RemoveResponse, error) {
	if p.fault.remove != nil {
		if err := p.fault.remove(r); err != nil {
			return nil, err
		}
	}
	return p.good.Remove(ctx, r)
}

// Recover implements the protocol.
func (p *proxy) Recover(ctx context.Context, r *backendv1.RecoverRequest) (*backendv1.RecoverResponse, error) {
	if p.fault.recovers != nil {
		if err := p.fault.recovers(r); err != nil {
			return nil, err
		}
	}
	return p.good.Recover(ctx, r)
}

// Build implements the protocol.
func (p *proxy) Build(host grpc.BidiStreamingServer[backendv1.BuildRequest, backendv1.BuildEvent]) error {
	first, err := host.Recv()
	for err == nil && first.GetStart() == nil && p.fault.anyStart {
		first, err = host.Recv()
	}
	if err != nil {
		return err
	}
	if first.GetStart() == nil {
		return status.Error(codes.InvalidArgument, "the first message of a build is not start")
	}
	ctx, cancel, ok := p.begin(host.Context())
	if !ok {
		return status.Error(codes.Unavailable, "it ends")
	}
	defer p.done(cancel)
	good, err := p.good.Build(ctx)
	if err != nil {
		return err
	}
	b := &build{proxy: p, host: host, good: good, start: first.GetStart()}
	if err := b.pass(first); err != nil {
		return err
	}
	go b.requests()
	return b.events()
}

// begin notes a running build, which ends with the process.
func (p *proxy) begin(host context.Context) (context.Context, *context.CancelFunc, bool) {
	if p.fault.deafToHost {
		host = context.WithoutCancel(host)
	}
	ctx, cancel := context.WithCancel(host)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.running = map[*context.CancelFunc]bool{}
	}
	p.running[&cancel] = true
	return ctx, &cancel, !p.ending
}

func (p *proxy) done(cancel *context.CancelFunc) {
	(*cancel)()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, cancel)
}

// build is one build that is passed on.
type build struct {
	*proxy
	host  grpc.BidiStreamingServer[backendv1.BuildRequest, backendv1.BuildEvent]
	good  grpc.BidiStreamingClient[backendv1.BuildRequest, backendv1.BuildEvent]
	start *backendv1.Start
	// secret is what the host has told, for faults that give it away.
	secret atomic.Pointer[string]
}

// requests passes on what the host says.
func (b *build) requests() {
	for {
		r, err := b.host.Recv()
		if errors.Is(err, io.EOF) {
			_ = b.good.CloseSend()
			return
		}
		if err != nil || b.pass(r) != nil {
			return
		}
	}
}

// pass passes one request on, unless the fault keeps it.
func (b *build) pass(r *backendv1.BuildRequest) error {
	if b.fault.request != nil && !b.fault.request(b, r) {
		return nil
	}
	if s := r.GetStart(); s != nil && b.fault.step != nil {
		for _, stage := range s.GetBuild().GetContainer().GetStages() {
			for _, step := range stage.GetSteps() {
				b.fault.step(step)
			}
		}
	}
	return b.good.Send(r)
}

// events passes on what the good backend reports.
func (b *build) events() error {
	for {
		e, err := b.good.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if a := e.GetArtifact(); a != nil {
			if err := b.rewrite(a); err != nil {
				return status.Error(codes.Internal, err.Error())
			}
		}
		if b.fault.event != nil {
			err = b.fault.event(b, e)
		} else {
			err = b.host.Send(e)
		}
		if err != nil {
			return err
		}
	}
}
