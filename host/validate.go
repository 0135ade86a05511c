// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/images"
)

// checkRequest refuses what cannot work, before anything is done.
func (h *Host) checkRequest(r Request) error {
	if err := checkDir("build context", r.Context); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Contexts)) {
		if value := r.Contexts[name]; !strings.HasPrefix(value, imageContext) {
			if err := checkDir(fmt.Sprintf("build context %q", name), value); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.Secrets)) {
		if err := h.checkSecret(id, r.Secrets[id]); err != nil {
			return err
		}
	}
	for _, tag := range r.Tags {
		if _, err := images.Normalize(tag); err != nil {
			return imageError(err)
		}
	}
	return checkOutputs(r.Outputs)
}

// checkDir refuses a context that is not a folder.
func checkDir(what, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return &InputError{Message: fmt.Sprintf("the %s %s cannot be used", what, dir), Help: "give the folder that holds the files to build", Err: cause(err)}
	}
	if !info.IsDir() {
		return &InputError{Message: fmt.Sprintf("the %s %s is not a folder", what, dir)}
	}
	return nil
}

// checkSecret refuses a secret that cannot be read. Its value is in no message.
func (h *Host) checkSecret(id string, s Secret) error {
	value, ok := h.secret(s)
	switch {
	case !ok && s.File != "":
		return &InputError{Message: fmt.Sprintf("secret %q: the file %s cannot be read", id, s.File)}
	case !ok:
		return &InputError{Message: fmt.Sprintf("secret %q: the variable %s is not set", id, s.Env)}
	case len(value) > maxSecret:
		return &InputError{Message: fmt.Sprintf("secret %q is larger than %d KiB", id, maxSecret>>10)}
	}
	return nil
}

// checkOutputs refuses outputs whose folder is missing.
func checkOutputs(list []Output) error {
	for _, o := range list {
		parent := filepath.Dir(o.Path)
		if info, err := os.Stat(parent); err != nil || !info.IsDir() {
			return &InputError{Message: fmt.Sprintf("output %s: the folder %s does not exist", o.Path, parent), Help: "create it first"}
		}
	}
	return nil
}

// lookup looks a variable up in an environment.
func lookup(environ []string, name string) (string, bool) {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v, true
		}
	}
	return "", false
}
