// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// A running job has a folder, jobs/<backend>/<id>, with a locked file in it.
// The lock ends with the process that holds it, whatever ended it; a folder
// whose lock is free belongs to a dead job.

// jobLock is the name of the locked file.
const jobLock = "lock"

// jobDir is the folder of a running job.
type jobDir struct {
	id   string
	path string
	lock *flock.Flock
}

// lockJobs is held while a job begins and while dead ones are looked for: a
// folder that is not locked yet belongs to nobody dead.
func (h *Host) lockJobs() (*flock.Flock, error) {
	dir, err := h.makeDir("jobs")
	if err != nil {
		return nil, err
	}
	all := flock.New(filepath.Join(dir, "."+jobLock), flock.SetPermissions(0o600))
	if err := all.Lock(); err != nil {
		return nil, stateError(err)
	}
	return all, nil
}

// newJobDir makes the folder of a new job, with empty folders for the backend.
func (h *Host) newJobDir(backend string) (*jobDir, error) {
	all, err := h.lockJobs()
	if err != nil {
		return nil, err
	}
	defer all.Close()
	id := rand.Text()
	path, err := h.makeDir("jobs", filepath.FromSlash(backend), id)
	if err != nil {
		return nil, err
	}
	j := &jobDir{id: id, path: path, lock: flock.New(filepath.Join(path, jobLock), flock.SetPermissions(0o600))}
	if err := j.lock.Lock(); err != nil {
		return nil, stateError(err)
	}
	for _, dir := range []string{j.temp(), j.exports()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			j.remove()
			return nil, stateError(err)
		}
	}
	return j, nil
}

// temp is where the backend keeps what is to vanish with the job.
func (j *jobDir) temp() string { return filepath.Join(j.path, "temp") }

// exports is where the backend puts what it made.
func (j *jobDir) exports() string { return filepath.Join(j.path, "exports") }

// remove removes the folder of a job that has ended.
func (j *jobDir) remove() {
	removeAll(j.path)
	_ = j.lock.Close()
}

// recoverTime bounds the cleaning up after a backend that broke off.
const recoverTime = 10 * time.Second

// endJob ends the backend of a job and removes the job's folder. When the
// backend broke off, or had to be killed, a new one cleans up first. When that
// fails too, the folder stays, and the next start does it.
func (h *Host) endJob(ctx context.Context, p *store.Plugin, r *running, dir *jobDir) {
	r.Close()
	if !r.process.Unfinished() {
		dir.remove()
		return
	}
	_ = dir.lock.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recoverTime)
	defer cancel()
	if again, err := h.start(ctx, p, confine.Rules{}, newEmitter(nil)); err == nil {
		again.Close()
	}
}

// recover has a backend clean up after its dead jobs.
func (h *Host) recover(ctx context.Context, r *running) error {
	dead, err := h.deadJobs(r.id)
	if err != nil || len(dead) == 0 {
		return err
	}
	defer func() {
		for _, j := range dead {
			j.remove()
		}
	}()
	var ids []string
	for _, j := range dead {
		ids = append(ids, j.id)
	}
	if err := r.process.Recover(ctx, &backendv1.RecoverRequest{StateDir: r.stateDir, JobIds: ids}); err != nil {
		return callError(ctx, r.id, "it could not clean up after an interrupted build", err)
	}
	return nil
}

// deadJobs returns the jobs of a backend that nobody runs any more, locked.
func (h *Host) deadJobs(backend string) ([]*jobDir, error) {
	parent := h.path("jobs", filepath.FromSlash(backend))
	if _, err := os.Stat(parent); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	all, err := h.lockJobs()
	if err != nil {
		return nil, err
	}
	defer all.Close()
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, stateError(err)
	}
	var dead []*jobDir
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		lock := flock.New(filepath.Join(path, jobLock), flock.SetPermissions(0o600))
		if ok, err := lock.TryLock(); err == nil && ok {
			dead = append(dead, &jobDir{id: e.Name(), path: path, lock: lock})
		}
	}
	return dead, nil
}

// removeAll removes a folder. What cannot be removed is left for the next
// start; it is not worth failing a build that went well.
func removeAll(dir string) { _ = os.RemoveAll(dir) }
