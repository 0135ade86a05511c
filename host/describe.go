// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/host/internal/plan"
	"github.com/zlayer/zlayer/host/internal/procrun"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// describe asks a backend about this machine. An answer that nothing is
// missing is remembered. It may say yes to a build, never no: before a build is
// refused the backend is asked again, because the user may have followed its
// advice since.
func (h *Host) describe(ctx context.Context, p *store.Plugin, ask plan.Request, emit *emitter) (*backendv1.DescribeResponse, error) {
	file := h.path("describe", h.machineKey(p)+".json")
	if data, err := os.ReadFile(file); err == nil {
		d := &backendv1.DescribeResponse{}
		if d.UnmarshalJSON(data) == nil && plan.Fits(ask, p.ID, d) {
			return d, nil
		}
	}
	d, err := h.describeNow(ctx, p, emit)
	if err != nil || len(d.GetSubtracted()) > 0 {
		return d, err
	}
	data, err := d.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if _, err := h.makeDir("describe"); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(file, data); err != nil {
		return nil, stateError(err)
	}
	return d, nil
}

// describeNow asks.
func (h *Host) describeNow(ctx context.Context, p *store.Plugin, emit *emitter) (*backendv1.DescribeResponse, error) {
	r, err := h.start(ctx, p, confine.Rules{}, emit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// Not a deadline: gRPC would tell it to the backend, which may then end the
	// call with an error of its own just before we do.
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(describeTime, cancel).Stop()
	d, err := r.process.Describe(limited, &backendv1.DescribeRequest{StateDir: r.stateDir})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, &PluginError{ID: p.ID, Message: fmt.Sprintf("it did not say within %v what it can do on this machine", describeTime), Help: reinstall(p), Stderr: r.process.Stderr()}
	}
	if err != nil {
		return nil, callError(ctx, p.ID, "it could not say what it can do on this machine", err)
	}
	return d, nil
}

// describeTime is how long a backend may think about what it can do.
const describeTime = 10 * time.Second

// machineKey names a backend on this machine: its files, the user, the system,
// and the variables that it sees.
func (h *Host) machineKey(p *store.Plugin) string {
	hostname, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	parts := []string{p.ID, hostname, string(boot), strconv.Itoa(os.Geteuid())}
	environ := procrun.Environment(p.Manifest.Environment, h.config.Environ)
	slices.Sort(environ)
	parts = append(parts, strconv.Itoa(len(environ)))
	parts = append(parts, environ...)
	for _, f := range p.Manifest.Files {
		parts = append(parts, f.Digest)
	}
	return keys.Key(parts...)
}

// sameReads says whether what a build read outside its contexts is the same
// now. Variables and tools can be compared; a URL or a repository cannot
// without fetching it, which is the backend's work.
func (h *Host) sameReads(ctx context.Context, p *store.Plugin, reads []keys.Read, emit *emitter) bool {
	if len(reads) == 0 {
		return true
	}
	var tools []keys.Read
	if slices.ContainsFunc(reads, func(r keys.Read) bool { return r.Kind == "tool" }) {
		d, err := h.describeNow(ctx, p, emit)
		if err != nil {
			return false
		}
		for _, t := range d.GetTools() {
			tools = append(tools, keys.Read{Kind: "tool", Name: t.GetKey(), Digest: t.GetValue()})
		}
	}
	return !slices.ContainsFunc(reads, func(r keys.Read) bool {
		switch r.Kind {
		case "tool":
			return !slices.Contains(tools, r)
		case "env":
			value, _ := lookup(h.config.Environ, r.Name)
			return digestOf(value) != r.Digest
		}
		return true
	})
}

// digestOf returns the digest of a variable's value; the value itself may be
// nobody's business.
func digestOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:])
}
