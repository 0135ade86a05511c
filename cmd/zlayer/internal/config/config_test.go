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
	flags.StringSlice("prefer-backend", nil, "")
	flags.Bool("experimental", false, "")
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

// Whom to trust is a list of its own kind: identities hold commas and colons.
func TestTrusted(t *testing.T) {
	const one, two = "issuer=https://login.example,subject=ada@acme.example", "issuer=https://ci.example,subject-regexp=^https://ci.example/acme/.*$"
	c, err := load(t, "signatures: warn\n", "", []string{
		"ZLAYER_SIGNATURES=require", "ZLAYER_TRUSTED_KEY=/a.pub:acme.example/*=/b.pub", "ZLAYER_TRUSTED_IDENTITY=" + one + ";" + two,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.String("signatures"); got != "require" {
		t.Errorf("signatures = %q", got)
	}
	if got := c.Strings("trusted-key"); !slices.Equal(got, []string{"/a.pub", "acme.example/*=/b.pub"}) {
		t.Errorf("trusted-key = %q", got)
	}
	if got := c.Strings("trusted-identity"); !slices.Equal(got, []string{one, two}) {
		t.Errorf("trusted-identity = %q", got)
	}
}

func TestBackends(t *testing.T) {
	for _, tc := range []struct {
		name, user    string
		environ, args []string
		prefer        []string
		experimental  bool
	}{
		{"nobody says anything", "", nil, nil, nil, false},
		{"the user's file", "prefer-backend: [b, a]\nexperimental: true\n", nil, nil, []string{"b", "a"}, true},
		{"variables", "prefer-backend: [b, a]\n", []string{"ZLAYER_PREFER_BACKEND=a,vendor.example/b", "ZLAYER_EXPERIMENTAL=1"}, nil, []string{"a", "vendor.example/b"}, true},
		{"flags", "", []string{"ZLAYER_EXPERIMENTAL=true"}, []string{"--prefer-backend=c,b", "--prefer-backend=a", "--experimental=false"}, []string{"c", "b", "a"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := load(t, tc.user, "", tc.environ, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Strings("prefer-backend"); !slices.Equal(got, tc.prefer) || c.Bool("experimental") != tc.experimental {
				t.Errorf("prefer-backend %q, experimental %v", got, c.Bool("experimental"))
			}
		})
	}
	c, err := load(t, "", "", []string{"ZLAYER_INSECURE_REGISTRY=localhost:5000,b:80"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Strings("insecure-registry"); !slices.Equal(got, []string{"localhost:5000", "b:80"}) {
		t.Errorf("insecure-registry = %q", got)
	}
	if _, err := load(t, "", "", []string{"ZLAYER_EXPERIMENTAL=perhaps"}, nil); err == nil || !strings.Contains(err.Error(), "is not true or false (from environment ZLAYER_EXPERIMENTAL)") {
		t.Errorf("got %v", err)
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
		{"no bool", "experimental: perhaps\n", "", "must be true or false"},
		{"what is experimental is the user's to allow", "", "experimental: true\n", "cannot be set by a project"},
		{"a project does not say whom to trust", "", "trusted-key: [/evil.pub]\n", "cannot be set by a project"},
		{"a project does not say what is demanded", "", "signatures: off\n", "cannot be set by a project"},
		{"locked", "locked: sometimes\n", "", "not one of never, ci, always"},
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
