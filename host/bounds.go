// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// mountPrivilege is what nobody has who is confined.
const mountPrivilege = "mount"

// bounds is what a backend may touch: what it declares, and what it is given
// for one build. Nil is all that the user may: who must mount is not confined.
func (h *Host) bounds(p *store.Plugin, given confine.Rules) *confine.Rules {
	declared := permissions(p.Manifest)
	if slices.Contains(declared.Privileges, mountPrivilege) {
		return nil
	}
	rules := given.With(confine.Rules{Network: declared.Network})
	for _, text := range declared.Paths {
		access, file, ok := h.access(text)
		switch {
		case ok && access.Write:
			rules.Write = append(rules.Write, file)
		case ok:
			rules.Read = append(rules.Read, file)
		}
	}
	private := h.private()
	for _, name := range declared.Tools {
		rules.Read = append(rules.Read, toolPlaces(h.findTool(name), private)...)
	}
	return &rules
}

// permissions returns what a manifest declares; nothing when it declares
// nothing.
func permissions(m *manifest.Manifest) manifest.Permissions {
	if m.Permissions == nil {
		return manifest.Permissions{}
	}
	return *m.Permissions
}

// access returns what an entry of permissions.paths means here. ok is false
// when it means nothing.
func (h *Host) access(text string) (access manifest.Access, file string, ok bool) {
	access, err := manifest.ParseAccess(text)
	if err != nil { // the manifest was not valid, and its plugin is never started
		return access, "", false
	}
	file, ok = access.Expand(h.config.Environ)
	return access, file, ok
}

// makeDeclared makes the folders that a backend writes by its manifest, such as
// a toolchain's cache: a confined one cannot make them itself. What cannot be
// made the backend will miss, and say so better.
func (h *Host) makeDeclared(p *store.Plugin) {
	for _, text := range permissions(p.Manifest).Paths {
		if access, dir, ok := h.access(text); ok && access.Write {
			_ = os.MkdirAll(dir, 0o755)
		}
	}
}

// given is what a backend may touch because a build tells it to.
func given(start *backendv1.Start, exports string) confine.Rules {
	r := confine.Rules{Write: []string{start.GetTempDir(), exports}}
	for _, c := range start.GetContexts() {
		r.Read = append(r.Read, c.GetPath())
	}
	if images := start.GetImagesDir(); images != "" {
		r.Read = append(r.Read, images)
	}
	return r
}

// private are folders that hold more than one program's things, and are never
// given as a whole because a tool lies in or below them.
func (h *Host) private() []string {
	home, _ := lookup(h.config.Environ, "HOME")
	list := []string{h.config.DataDir, os.TempDir()}
	if home != "" {
		list = append(list, home, filepath.Join(home, ".local"))
	}
	for _, dir := range list {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			list = append(list, real)
		}
	}
	return list
}

// findTool returns the path of a program on the user's PATH; "" when there is
// none.
func (h *Host) findTool(name string) string {
	path, _ := lookup(h.config.Environ, "PATH")
	if strings.ContainsRune(name, filepath.Separator) {
		return ""
	}
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return found
		}
	}
	return ""
}

// toolPlaces returns what a program must be able to read to run: its folder,
// also where it really lies; and, when that is called bin, the folder around
// it, where a toolchain has its libraries. Instead of a folder that has private
// ones in it, it is the program alone.
func toolPlaces(tool string, private []string) []string {
	if tool == "" {
		return nil
	}
	places := []string{cmp.Or(outside(filepath.Dir(tool), private), tool)}
	real, err := filepath.EvalSymlinks(tool)
	if err != nil {
		return places
	}
	dir := filepath.Dir(real)
	places = append(places, cmp.Or(outside(dir, private), real))
	if around := outside(filepath.Dir(dir), private); filepath.Base(dir) == "bin" && around != "" {
		places = append(places, around)
	}
	return places
}

// outside returns a folder; "" when it is, or has in it, a private one.
func outside(dir string, private []string) string {
	if slices.ContainsFunc(private, func(p string) bool { return within(p, dir) }) {
		return ""
	}
	return dir
}

// within says whether a path is a folder or lies below it.
func within(path, dir string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rest)
}
