// SPDX-License-Identifier: Apache-2.0

package shelf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// Keeper is the part of a backend that keeps its modules: embed it. The handle
// of an artifact is the digest of its one module. Of the backend's state folder
// it uses
//
//	modules/SHA256   the modules made, kept until Remove
//	jobs/ID/         what a running job writes: see Stage
type Keeper struct{}

var (
	_ backend.Store     = Keeper{}
	_ backend.Recoverer = Keeper{}
)

// Of returns the modules of a state folder.
func Of(stateDir string) Shelf { return Shelf{Dir: filepath.Join(stateDir, "modules")} }

// Stage calls do with the folder of a job, which is new and empty, on the file
// system of the state folder, and gone afterwards.
func Stage(stateDir, jobID string, do func(dir string) error) error {
	dir, err := jobDir(stateDir, jobID)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the job's folder: %w", err)
	}
	return errors.Join(do(dir), os.RemoveAll(dir))
}

// Keep moves the module at path onto the shelf and returns the artifact that
// the step made.
func Keep(stateDir, path string, ref *backendv1.StepRef) (*backendv1.Artifact, error) {
	digest, size, err := Of(stateDir).Put(path)
	if err != nil {
		return nil, err
	}
	return &backendv1.Artifact{Handle: digest, Blobs: []*backendv1.Blob{{Digest: digest, Size: size, Ref: ref}}}, nil
}

// Has says whether a module is still there.
func (Keeper) Has(_ context.Context, r *backendv1.HasRequest) (bool, error) {
	return Of(r.GetStateDir()).Has(r.GetHandle())
}

// Export writes a module into the host's folder.
func (Keeper) Export(_ context.Context, r *backendv1.ExportRequest) error {
	for _, digest := range r.GetDigests() {
		if digest != r.GetHandle() {
			return fmt.Errorf("artifact %s has no blob %s", r.GetHandle(), digest)
		}
		if err := Of(r.GetStateDir()).Export(digest, r.GetDirectory()); err != nil {
			return err
		}
	}
	return nil
}

// Remove forgets modules.
func (Keeper) Remove(_ context.Context, r *backendv1.RemoveRequest) error {
	var failed error
	for _, handle := range r.GetHandles() {
		failed = errors.Join(failed, Of(r.GetStateDir()).Remove(handle))
	}
	return failed
}

// Recover removes the folders of dead jobs. Their processes died with the
// backend: see toolchain.Guard.
func (Keeper) Recover(_ context.Context, r *backendv1.RecoverRequest) error {
	var failed error
	for _, id := range r.GetJobIds() {
		dir, err := jobDir(r.GetStateDir(), id)
		if err == nil {
			err = os.RemoveAll(dir)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// jobDir is the folder of a job. An id that is no plain name is an error, so
// that no job writes elsewhere.
func jobDir(stateDir, id string) (string, error) {
	if id == "" || id == "." || id == ".." || filepath.Base(id) != id {
		return "", fmt.Errorf("job id %q is not a plain name", id)
	}
	return filepath.Join(stateDir, "jobs", id), nil
}
