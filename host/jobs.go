// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

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

// newJobDir makes the folder of a new job, with an empty folder "temp" for the
// backend.
func (h *Host) newJobDir(backend string) (*jobDir, error) {
	id := rand.Text()
	path, err := h.makeDir("jobs", filepath.FromSlash(backend), id)
	if err != nil {
		return nil, err
	}
	j := &jobDir{id: id, path: path, lock: flock.New(filepath.Join(path, jobLock), flock.SetPermissions(0o600))}
	if err := j.lock.Lock(); err != nil {
		return nil, stateError(err)
	}
	if err := os.Mkdir(j.temp(), 0o700); err != nil {
		return nil, stateError(err)
	}
	return j, nil
}

// temp is the folder for the backend.
func (j *jobDir) temp() string { return filepath.Join(j.path, "temp") }

// remove removes the folder of a job that has ended.
func (j *jobDir) remove() {
	removeAll(j.path)
	_ = j.lock.Close()
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
	entries, err := os.ReadDir(parent)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
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
