// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// PruneOptions say what Prune removes.
type PruneOptions struct {
	// All removes images that have a name too.
	All bool
	// Until keeps what is younger. 0 keeps nothing for its age.
	Until time.Duration
	// DryRun only says what would be removed.
	DryRun bool
}

// Pruned says what Prune removed, or would remove.
type Pruned struct {
	Removed
	// Builds is how many finished builds are no longer remembered, since their
	// result is gone.
	Builds int `json:"builds"`
	// Artifacts is how many results backends were told to forget. The room that
	// makes is in Bytes, where it can be seen.
	Artifacts int `json:"artifacts"`
	// Skipped says which backends could not be told, and why. What they keep
	// stays.
	Skipped []string `json:"skipped"`
}

// Prune removes what nothing needs any more: images without a name, blobs
// without an image, builds without a result, and what backends keep for no
// build. While others use the image store it is refused.
func (h *Host) Prune(ctx context.Context, o PruneOptions) (*Pruned, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	release, err := store.Alone(ctx)
	if err != nil {
		return nil, imageError(err)
	}
	defer release()
	p := &pruning{host: h, options: o, done: &Pruned{Skipped: []string{}}}
	if o.Until > 0 {
		p.before = time.Now().Add(-o.Until)
	}
	removed, err := store.Prune(ctx, images.Pruning{All: o.All, Before: p.before, DryRun: o.DryRun})
	if err != nil {
		return nil, imageError(err)
	}
	p.done.Removed = removedOf(removed)
	needed, err := p.builds(store)
	if err != nil {
		return nil, err
	}
	return p.done, p.artifacts(ctx, needed)
}

// pruning is one Prune.
type pruning struct {
	host    *Host
	options PruneOptions
	before  time.Time
	done    *Pruned
}

// builds forgets the builds whose result is gone, and returns what backends keep
// for the others.
func (p *pruning) builds(store *images.Store) (map[keys.Artifact]bool, error) {
	records, err := p.host.keys.Records()
	if err != nil {
		return nil, stateError(err)
	}
	needed := map[keys.Artifact]bool{}
	for key, r := range records {
		if r != nil && store.Has(r.Result) && !slices.Contains(p.done.Images, r.Result) {
			needed[r.Artifact()] = true
			continue
		}
		p.done.Builds++
		if p.options.DryRun {
			continue
		}
		if err := p.host.keys.Remove(key); err != nil {
			return nil, stateError(err)
		}
	}
	return needed, nil
}

// artifacts has backends forget what no build needs.
func (p *pruning) artifacts(ctx context.Context, needed map[keys.Artifact]bool) error {
	all, err := p.host.keys.Artifacts()
	if err != nil {
		return stateError(err)
	}
	stale := map[string][]keys.Artifact{}
	for a, noted := range all {
		if !needed[a] && (p.before.IsZero() || noted.Before(p.before)) {
			stale[a.Backend] = append(stale[a.Backend], a)
		}
	}
	for _, backend := range slices.Sorted(maps.Keys(stale)) {
		err := p.forget(ctx, backend, stale[backend])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.done.Skipped = append(p.done.Skipped, fmt.Sprintf("%s: %v", backend, err))
			continue
		}
		p.done.Artifacts += len(stale[backend])
	}
	return nil
}

// forget has one backend forget artifacts.
func (p *pruning) forget(ctx context.Context, backend string, list []keys.Artifact) error {
	if err := p.host.problem(backend); err != nil || p.options.DryRun {
		return err
	}
	run, err := p.host.start(ctx, p.host.plugins.Get(backend), confine.Rules{}, newEmitter(nil))
	if err != nil {
		return err
	}
	defer run.Close()
	request := &backendv1.RemoveRequest{StateDir: run.stateDir}
	for _, a := range list {
		request.Handles = append(request.Handles, a.Handle)
	}
	before := room(run.stateDir)
	if err := run.process.Remove(ctx, request); err != nil {
		return callError(ctx, backend, "it could not remove what is not needed", err)
	}
	p.done.Bytes += max(before-room(run.stateDir), 0)
	for _, a := range list {
		if err := p.host.keys.Forget(a); err != nil {
			return stateError(err)
		}
	}
	return nil
}

// room is how many bytes the files of a folder have, as far as can be seen.
func room(dir string) int64 {
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be seen is not counted
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
