// SPDX-License-Identifier: Apache-2.0

package lockfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/sdk/manifest"
)

func TestCredentialsAreNotWritten(t *testing.T) {
	for in, want := range map[string]string{
		"registry.example/a/b:1":                              "registry.example/a/b:1",
		"oci://user:hunter2@registry.example/a/b@" + digest:   "oci://registry.example/a/b@" + digest,
		"https://hunter2@acme.example/x.tar":                  "https://acme.example/x.tar",
		"https://u:hunter2%40@acme.example:8443/x@1.tar":      "https://acme.example:8443/x@1.tar",
		"https://u:hunter@2@acme.example/x.tar":               "https://acme.example/x.tar",
		"https://acme.example?token=hunter2":                  "https://acme.example",
		"https://acme.example/x?file=a&Access_Token=hunter2":  "https://acme.example/x?file=a",
		"https://s3.example/x?X-Amz-Signature=hunter2&v=1#t":  "https://s3.example/x?v=1#t",
		"https://az.example/x?sv=2&s%69g=hunter2":             "https://az.example/x?sv=2",
		"https://acme.example/x.tar?file=a%2Fb&arch=amd64#to": "https://acme.example/x.tar?file=a%2Fb&arch=amd64#to",
		"./folder@home/x?token=y":                             "./folder@home/x?token=y",
	} {
		e := lockfile.NewEntry(frontend(), nil, in, in, false)
		if e.Source != want || e.Resolved != want {
			t.Errorf("%s became %s and %s, want %s", in, e.Source, e.Resolved, want)
		}
	}
}

func TestDriftSaysWhatDiffers(t *testing.T) {
	pin := func(m *manifest.Manifest) lockfile.Entry { return lockfile.NewEntry(m, []byte("raw"), "x", "x", false) }
	raw := pin(backend()).Manifest
	other := strings.Replace(digest, "0a", "0b", 1)
	for _, tt := range []struct {
		name   string
		change func(*manifest.Manifest)
		want   []string
	}{
		{"nothing", func(*manifest.Manifest) {}, nil},
		{"a newer minor is no drift by itself", func(m *manifest.Manifest) { m.Protocol.Minor++ }, nil},
		{"order", func(m *manifest.Manifest) { m.Environment = []string{"OVEN_*", "PATH"} }, nil},
		{"version and protocol", func(m *manifest.Manifest) { m.Version, m.Protocol.Major = "0.2.0", 2 },
			[]string{"version: locked 0.1.0, found 0.2.0", "protocol: locked >=1.0 <2, found >=2.0 <3"}},
		{"permissions", func(m *manifest.Manifest) {
			m.Permissions = &manifest.Permissions{Paths: []string{"~/.cache/oven:rw"}, Tools: []string{"git", "curl"}, Privileges: []string{"mount"}}
		}, []string{"permissions.network: locked yes, found no", "permissions.privileges: locked none, found mount",
			"permissions.tools: locked git, found curl, git"}},
		{"no permissions", func(m *manifest.Manifest) { m.Permissions = nil },
			[]string{"permissions.network: locked yes, found no", "permissions.paths: locked ~/.cache/oven:rw, found none",
				"permissions.tools: locked git, found none"}},
		{"environment", func(m *manifest.Manifest) { m.Environment = nil }, []string{"environment: locked OVEN_*, PATH, found none"}},
		{"files", func(m *manifest.Manifest) { m.Files[0].Digest, m.Files[1].Path = other, "oven" },
			[]string{"file policy.json (any): locked " + digest + ", found " + other,
				"file arm/oven (linux/arm64): locked " + digest + ", found none",
				"file oven (linux/arm64): locked none, found " + digest}},
	} {
		m := backend()
		tt.change(m)
		if diff := cmp.Diff(tt.want, pin(backend()).Drift(m, raw)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if got := pin(backend()).Drift(backend(), digest); !cmp.Equal(got, []string{"manifest: locked " + raw + ", found " + digest}) {
		t.Errorf("another manifest: %q", got)
	}
}

func TestAPinOfAnotherProtocolIsKnownBeforeItIsFetched(t *testing.T) {
	m := backend()
	if err := lockfile.NewEntry(m, nil, "x", "x", false).Speaks(); err != nil {
		t.Error(err)
	}
	m.Protocol.Major = 2
	var version *manifest.VersionError
	if err := lockfile.NewEntry(m, nil, "x", "x", false).Speaks(); !errors.As(err, &version) || version.Plugin != 2 || version.ID != m.ID {
		t.Errorf("got %v", err)
	}
}
