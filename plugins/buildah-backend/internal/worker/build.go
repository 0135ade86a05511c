// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/build"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/wire"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// runBuild is the call of OpBuild.
func runBuild(requests *wire.Reader, events *wire.Writer) (*backendv1.Artifact, error) {
	var r backendv1.BuildRequest
	if err := requests.Receive(&r); err != nil {
		return nil, fmt.Errorf("reading what to build: %w", err)
	}
	start := r.GetStart()
	if start == nil {
		return nil, errors.New("the first message of a build is not start")
	}
	j := newJob(events)
	go watch(requests, j.answer)
	s, err := openState(start.StateDir, start.TempDir, shared)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := jail.Devices(filepath.Join(start.TempDir, "dev")); err != nil {
		return nil, err
	}
	name := jobName(start.JobId)
	scratch := s.scratch(name)
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return nil, err
	}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	a, err := build.Build{Start: start, Job: j, Store: s.layers, Name: name, Run: start.TempDir, Scratch: scratch}.Do(context.Background())
	if err == nil {
		err = s.record(a.Handle, a.Tops)
	}
	if err = errors.Join(err, os.RemoveAll(scratch)); err != nil {
		return nil, errors.Join(err, s.sweep())
	}
	return a.Artifact, nil
}

// sweep removes the drafts of jobs that have ended, and so have no scratch
// folder: on a full disk there is no room to remove a draft, before that is gone
// or even then.
func (s *state) sweep() error {
	return s.layers.Sweep(func(job string) bool {
		_, err := os.Lstat(s.scratch(job))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// jobName makes a short file name of a job's id.
func jobName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// scratch is the job's folder on disk.
func (s *state) scratch(job string) string { return filepath.Join(s.dir, "jobs", job) }

// recoverJobs removes what dead jobs left: their drafts and folders.
func recoverJobs(requests *wire.Reader) error {
	var r backendv1.RecoverRequest
	s, err := receive(requests, &r, func() string { return r.StateDir })
	if err != nil {
		return err
	}
	defer s.close()
	var problems []error
	for _, id := range r.JobIds {
		problems = append(problems, os.RemoveAll(s.scratch(jobName(id))))
	}
	return errors.Join(append(problems, s.sweep())...)
}
