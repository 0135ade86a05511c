// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package linux is the driver that runs commands of linux images in namespaces
// of their own, as root or as an ordinary user.
//
// For each command the backend starts an inner process: this program again,
// first process of new namespaces and root in its user namespace. It makes the
// command's file tree (package rootfs), becomes its jail (package jail),
// collects what the command changed and writes the layer. Nothing it makes
// outlives it but the layer: its mounts are in its mount namespace, the
// processes in its PID namespace.
package linux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// New returns the driver. It looks at nothing before it is used.
func New() driver.Driver { return &runner{found: sync.OnceValue(look)} }

// runner is the driver.
type runner struct {
	// found is what is known of this machine.
	found func() machine
}

var (
	_ driver.Driver  = (*runner)(nil)
	_ driver.Sweeper = (*runner)(nil)
)

// Run implements driver.Driver.
func (*runner) Run(ctx context.Context, c driver.Command) (*layer.Layer, error) {
	j, chains, err := newJob(&c)
	if err != nil {
		return nil, err
	}
	maps, err := findMaps()
	if err != nil {
		return nil, err
	}
	if err := owned(c.Mounts, maps); err != nil {
		return nil, err
	}
	r := request{Job: j, Network: network(c.Exec), OneID: maps.oneID()}
	got, err := run(ctx, maps, r, about(chains).hearing(c.Copied), c.Output)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil {
		err = got.err()
	}
	if err != nil {
		return nil, errors.Join(err, clear(maps, c.Temp))
	}
	if got.Code != 0 {
		return nil, &driver.ExitError{Code: got.Code, Reason: got.Reason, Help: ownerHelp(maps)}
	}
	return got.Layer, nil
}

// run has an inner process do a request to its end. The output is complete
// when it returns.
func run(ctx context.Context, maps *idMaps, r request, ask asker, output func(stderr bool, data []byte)) (*result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	pipes, err := newPipes(output)
	if err != nil {
		return nil, err
	}
	s, err := start(maps, r.Network, files{null, pipes.stdout, pipes.stderr})
	pipes.started()
	if err != nil {
		pipes.wait()
		return nil, fmt.Errorf("starting the process that runs commands: %w", err)
	}
	stop := context.AfterFunc(ctx, s.kill)
	defer stop()
	got, err := s.do(r, ask)
	err = errors.Join(err, s.close())
	pipes.wait()
	return got, err
}

// pipes carry the output of a command.
type pipes struct {
	// stdout and stderr are where it is written.
	stdout, stderr *os.File
	readers        sync.WaitGroup
}

func newPipes(output func(stderr bool, data []byte)) (*pipes, error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, outR.Close(), outW.Close())
	}
	p := &pipes{stdout: outW, stderr: errW}
	var one sync.Mutex // the output of one command is one stream
	pass := func(r *os.File, stderr bool) {
		defer r.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := r.Read(buf)
			if n > 0 && output != nil {
				one.Lock()
				output(stderr, buf[:n])
				one.Unlock()
			}
			if err != nil {
				return
			}
		}
	}
	p.readers.Go(func() { pass(outR, false) })
	p.readers.Go(func() { pass(errR, true) })
	return p, nil
}

// started closes the ends that the inner process now has.
func (p *pipes) started() {
	p.stdout.Close()
	p.stderr.Close()
}

// wait waits for all output. It ends with the inner process, with which all
// ends that it was written to are closed.
func (p *pipes) wait() { p.readers.Wait() }

// Recover implements driver.Driver.
func (*runner) Recover(_ context.Context, dir string) error {
	maps, err := findMaps()
	if err != nil {
		return err
	}
	return clear(maps, dir)
}

// Sweep implements driver.Sweeper.
func (*runner) Sweep(ctx context.Context, state string, keep func(digest string) bool) error {
	if names, err := contents(state); err != nil || len(names) == 0 {
		return err
	}
	maps, err := findMaps()
	if err != nil {
		return err
	}
	ask := asker(func(q *query) (*answer, error) { return &answer{Keep: keep(q.Digest)}, nil })
	got, err := run(ctx, maps, request{Sweep: state, OneID: maps.oneID()}, ask, nil)
	if err == nil {
		err = got.err()
	}
	if err != nil {
		return fmt.Errorf("sweeping the file trees in %q: %w", state, err)
	}
	return nil
}

// clear empties a folder. What this user may not remove belongs to users of the
// commands: then an inner process does it.
func clear(maps *idMaps, dir string) error {
	names, err := contents(dir)
	if err != nil {
		return err
	}
	var left []string
	for _, name := range names {
		if os.RemoveAll(name) != nil {
			left = append(left, name)
		}
	}
	if len(left) == 0 {
		return nil
	}
	got, err := run(context.Background(), maps, request{Remove: left, OneID: maps.oneID()}, nil, nil)
	if err == nil {
		err = got.err()
	}
	if err != nil {
		return fmt.Errorf("removing what a command left in %q: %w", dir, err)
	}
	return nil
}

// contents are the paths of what is in a folder; none when it does not exist.
func contents(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	return names, nil
}
