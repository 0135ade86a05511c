// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// load writes the two files and loads them with an environment and flags.
func load(t *testing.T, user, project string, environ, args []string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	work := filepath.Join(dir, "project", "sub")
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(dir, "config.yaml"): user, filepath.Join(dir, "project", ProjectFile): project} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String("pull", "missing", "")
	flags.StringArray("plugin-dir", nil, "")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(Sources{UserFile: filepath.Join(dir, "config.yaml"), WorkDir: work, Environ: environ, Flags: flags})
}

func TestPrecedence(t *testing.T) {
	const user, project = "pull: never\nimage-format: docker\n", "pull: newer\n"
	for _, tc := range []struct {
		name            string
		environ, args   []string
		pull, pullOwner string
	}{
		{"project over user", nil, nil, "newer", "zlayer.yaml"},
		{"environment over project", []string{"ZLAYER_PULL=always"}, nil, "always", "environment ZLAYER_PULL"},
		{"flag over environment", []string{"ZLAYER_PULL=always"}, []string{"--pull=missing"}, "missing", "flag --pull"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := load(t, user, project, tc.environ, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if c.String("pull") != tc.pull || !strings.HasSuffix(string(c.Origin("pull")), tc.pullOwner) {
				t.Errorf("pull = %q from %q", c.String("pull"), c.Origin("pull"))
			}
			if c.String("image-format") != "docker" || !strings.HasSuffix(string(c.Origin("image-format")), "config.yaml") {
				t.Errorf("format = %q from %q", c.String("image-format"), c.Origin("image-format"))
			}
			if c.Origin("severity") != "default" {
				t.Errorf("severity comes from %q", c.Origin("severity"))
			}
		})
	}
}

func TestLists(t *testing.T) {
	c, err := load(t, "plugin-dir: [/a]\n", "", []string{"ZLAYER_PLUGIN_DIR=/b:/c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Strings("plugin-dir"); !slices.Equal(got, []string{"/b", "/c"}) {
		t.Errorf("plugin-dir = %q", got)
	}
	c, err = load(t, "", "", nil, []string{"--plugin-dir=/x,y", "--plugin-dir=/z"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Strings("plugin-dir"); !slices.Equal(got, []string{"/x,y", "/z"}) {
		t.Errorf("plugin-dir = %q", got)
	}
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct{ name, user, project, want string }{
		{"unknown key", "pul: never\n", "", `unknown key "pul"`},
		{"nested key", "a:\n  b: c\n", "", `unknown key "a.b"`},
		{"wrong value", "pull: sometimes\n", "", "not one of missing, newer, always, never"},
		{"wrong type", "pull: [a]\n", "", "must be a string"},
		{"no list", "plugin-dir: /a\n", "", "must be a list"},
		{"not yaml", "pull: [\n", "", "config.yaml"},
		{"private key in a project", "", "plugin-dir: [/evil]\n", "cannot be set by a project"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, tc.user, tc.project, nil, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
