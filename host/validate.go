// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/images"
)

// checkRequest refuses what cannot work, before anything is done. Named contexts
// are Fetch's to refuse.
func (h *Host) checkRequest(r Request) error {
	if err := r.Context.Check(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(r.Secrets)) {
		if err := h.checkSecret(id, r.Secrets[id]); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.SSH)) {
		if err := checkAgent(id, r.SSH[id]); err != nil {
			return err
		}
	}
	for _, tag := range r.Tags {
		if _, err := images.Normalize(tag); err != nil {
			return imageError(err)
		}
	}
	if err := r.checkListed(); err != nil {
		return err
	}
	if err := h.checkOutputs(r.Outputs); err != nil {
		return err
	}
	if err := checkReport(r.DigestFile); err != nil {
		return err
	}
	return checkReport(r.MetadataFile)
}

// checkSecret refuses a secret that cannot be read. Its value is in no message.
func (h *Host) checkSecret(id string, s Secret) error {
	value, err := h.secret(s)
	switch {
	case err != nil && s.File != "":
		return &InputError{Message: fmt.Sprintf("secret %q: the file %s cannot be read", id, s.File), Help: "name a file with src=FILE or a variable with env=NAME", Err: cause(err)}
	case err != nil:
		return &InputError{Message: fmt.Sprintf("secret %q", id), Help: "set it, or name another with env=NAME or a file with src=FILE", Err: err}
	case len(value) > maxSecret:
		return &InputError{Message: fmt.Sprintf("secret %q is larger than %d KiB", id, maxSecret>>10), Help: "give a large file as a --build-context and mount it with RUN --mount=type=bind"}
	}
	return nil
}

// checkAgent refuses what is not the socket of an agent.
func checkAgent(id, socket string) error {
	info, err := os.Stat(socket)
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		err = errors.New("it is not a socket")
	}
	if err != nil {
		return &InputError{Message: fmt.Sprintf("ssh agent %q: %s cannot be used", id, socket), Help: "start ssh-agent and set SSH_AUTH_SOCK, or write ID=SOCKET", Err: cause(err)}
	}
	return nil
}

// checkOutputs refuses what could not be written after the build.
func (h *Host) checkOutputs(list []Output) error {
	for _, o := range list {
		if err := h.checkOutput(o); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) checkOutput(o Output) error {
	if o.Type == OutputDocker {
		_, err := h.engine()
		return err
	}
	if o.Writer != nil {
		if o.Type.folder() {
			return &InputError{Message: fmt.Sprintf("output %s: %s is a folder and cannot be a stream", o.Path, o.Type), Help: "give the path of the folder"}
		}
		return nil
	}
	parent := filepath.Dir(o.Path)
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		return &InputError{Message: fmt.Sprintf("output %s: the folder %s does not exist", o.Path, parent), Help: "create it first"}
	}
	return checkReplaced(o)
}

// checkReplaced refuses an output that is there and of another kind: a folder
// that holds something else must not be lost.
func checkReplaced(o Output) error {
	info, err := os.Stat(o.Path)
	switch {
	case err != nil: // nothing is replaced
		return nil
	case o.Type.folder() && !info.IsDir():
		return &InputError{Message: fmt.Sprintf("output %s: a file is there, and %s is a folder", o.Path, o.Type), Help: "choose another path, or write an archive: " + archiveOf(o.Type)}
	case !o.Type.folder() && info.IsDir():
		return &InputError{Message: fmt.Sprintf("output %s: a folder is there, and %s is a file", o.Path, o.Type), Help: "give the path of the file to write"}
	case o.Type != OutputOCILayout:
		return nil
	}
	entries, err := os.ReadDir(o.Path)
	if err == nil && len(entries) > 0 && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "oci-layout" }) {
		return &InputError{Message: fmt.Sprintf("output %s: the folder holds something that is not an OCI image layout", o.Path), Help: "choose an empty or a new folder"}
	}
	return nil
}

// archiveOf is the type of the file that holds what a folder would.
func archiveOf(t OutputType) string {
	if t == OutputLocal {
		return "type=tar"
	}
	return "type=oci-archive"
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
