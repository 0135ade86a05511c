// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host/internal/images"
)

// deliver names a result, writes it to its outputs and says so in files.
func (o *order) deliver(ctx context.Context, r *Result) error {
	for _, tag := range o.request.Tags {
		full, err := images.Normalize(tag)
		if err != nil {
			return imageError(err)
		}
		r.Tags = append(r.Tags, full)
	}
	if err := o.host.Tag(ctx, r.Digest, o.request.Tags...); err != nil {
		return err
	}
	for _, out := range o.request.Outputs {
		if err := o.host.save(ctx, r.Digest, out, o.emit, o.request.Tags); err != nil {
			return err
		}
		if out.Path != "" {
			r.Outputs = append(r.Outputs, out.Path)
		}
	}
	if err := o.module(r); err != nil {
		return err
	}
	return o.report(r)
}

// module writes the wasm module, of which there is one, to the place in the
// context that the build file names.
func (o *order) module(r *Result) error {
	output := o.builds[0].resolved.Build.GetWasm().GetOutput()
	if output == "" || o.request.Context.passing {
		return nil
	}
	store, err := o.host.images()
	if err != nil {
		return err
	}
	data, err := store.Module(r.Digest)
	if err != nil {
		return imageError(err)
	}
	if err := writeContained(o.request.Context.Folder, output, data); err != nil {
		return &InputError{Message: fmt.Sprintf("cannot write the module to %s", output), Help: "output must be a path inside the build context", Err: err}
	}
	r.Outputs = append(r.Outputs, filepath.Join(o.request.Context.Folder, output))
	return nil
}

// writeContained replaces a file inside a folder, all or nothing; links do not
// lead out of it.
func writeContained(dir, name string, data []byte) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if parent := filepath.Dir(name); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return err
		}
	}
	temp := name + ".new"
	defer func() {
		if err != nil {
			_ = root.Remove(temp)
		}
	}()
	if err := root.WriteFile(temp, data, 0o644); err != nil {
		return err
	}
	return root.Rename(temp, name)
}
