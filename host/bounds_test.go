// SPDX-License-Identifier: Apache-2.0

//go:build unix

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// laid makes executables and links, "PATH" or "PATH -> TARGET", in a folder.
func laid(t *testing.T, entries ...string) (dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path, target, link := strings.Cut(entry, " -> ")
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, nil, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// D is the folder that everything is in, home D/home.
func TestToolPlaces(t *testing.T) {
	for name, tt := range map[string]struct {
		laid []string
		path string // folders of PATH
		want string
	}{
		"in a toolchain":         {[]string{"go/bin/tool"}, "go/bin", "go/bin go/bin go"},
		"by a link":              {[]string{"go/bin/tool", "local/tool -> ../go/bin/tool"}, "local", "local go/bin go"},
		"in a plain folder":      {[]string{"apps/tool"}, "apps", "apps apps"},
		"in the home":            {[]string{"home/tool"}, "home", "home/tool home/tool"},
		"in bin of the home":     {[]string{"home/bin/tool"}, "home/bin", "home/bin home/bin"},
		"in .local of the home":  {[]string{"home/.local/bin/tool"}, "home/.local/bin", "home/.local/bin home/.local/bin"},
		"in a toolchain at home": {[]string{"home/sdk/go/bin/tool"}, "home/sdk/go/bin", "home/sdk/go/bin home/sdk/go/bin home/sdk/go"},
		"around the state":       {[]string{"data/bin/tool"}, "data/bin", "data/bin data/bin"},
		"the first of PATH":      {[]string{"a/tool", "b/tool"}, "none b a", "b b"},
		"nowhere":                {nil, "a b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := laid(t, tt.laid...)
			var path []string
			for _, p := range strings.Fields(tt.path) {
				path = append(path, filepath.Join(dir, p))
			}
			h := &Host{config: Config{DataDir: filepath.Join(dir, "data"), Environ: []string{
				"HOME=" + filepath.Join(dir, "home"), "PATH=relative:" + strings.Join(path, ":"),
			}}}
			got := strings.ReplaceAll(strings.Join(toolPlaces(h.findTool("tool"), h.private()), " "), dir+"/", "")
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if found := h.findTool("../tool"); found != "" {
				t.Errorf("a path was found: %s", found)
			}
		})
	}
}

// A backend gets what it declares and is given, and with mount no bounds.
func TestBounds(t *testing.T) {
	h := &Host{config: Config{DataDir: "/data", Environ: []string{"HOME=/home/u", "OVEN=/srv/oven"}}}
	p := &store.Plugin{ID: "oven", Manifest: &manifest.Manifest{Permissions: &manifest.Permissions{
		Network: true, Paths: []string{"~/.oven:rw", "${OVEN}", "${UNSET}", "/etc/oven"},
	}}}
	given := confine.Rules{Read: []string{"/context"}, Write: []string{"/state"}}
	want := &confine.Rules{Read: []string{"/context", "/srv/oven", "/etc/oven"}, Write: []string{"/state", "/home/u/.oven"}, Network: true}
	if diff := cmp.Diff(want, h.bounds(p, given)); diff != "" {
		t.Error(diff)
	}
	p.Manifest.Permissions.Privileges = []string{"user-namespace", "mount"}
	if got := h.bounds(p, given); got != nil {
		t.Errorf("with mount: %+v", got)
	}
	p.Manifest.Permissions = nil
	if diff := cmp.Diff(&given, h.bounds(p, given)); diff != "" {
		t.Errorf("without permissions: %s", diff)
	}
}
