// SPDX-License-Identifier: Apache-2.0

package grant_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/sdk/manifest"
)

func frontend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "lines", Kind: manifest.Frontend, Version: "1.0.0", Protocol: manifest.Protocol{Major: 1},
		Claims: &manifest.Claims{Files: []string{"Linesfile", "*.lines"}, Discover: []string{"Linesfile"}, Syntaxes: []string{"acme/lines"}, Priority: 5},
	}
}

func backend() *manifest.Manifest {
	return &manifest.Manifest{
		Schema: 1, ID: "acme.example/oven", Kind: manifest.Backend, Version: "1.0.0", Protocol: manifest.Protocol{Major: 1},
		Files:        []manifest.File{{Path: "oven", Platform: "linux/amd64", Role: manifest.RoleMain}},
		Capabilities: &manifest.Capabilities{Features: []string{"copy"}, Platforms: []string{"linux/*"}},
		Permissions: &manifest.Permissions{
			Network: true, Paths: []string{"/etc/oven", "${OVEN_HOME:-~/.oven}:rw"}, Privileges: []string{"user-namespace"}, Tools: []string{"git"},
		},
		Environment: []string{"PATH", "OVEN_*"},
	}
}

func words[T fmt.Stringer](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func TestWhatAPluginMayTouch(t *testing.T) {
	mounts := backend()
	mounts.Permissions.Privileges = []string{"mount", "user-namespace"}
	modest := backend()
	modest.Permissions, modest.Environment = nil, nil
	for _, tt := range []struct {
		name string
		of   *manifest.Manifest
		want []string
	}{
		{"a frontend", frontend(), []string{"nothing"}},
		{"a backend", backend(), []string{"the network", "read /etc/oven", "read and write ${OVEN_HOME:-~/.oven}",
			"the privilege user-namespace", "run git", "the variable PATH", "the variables OVEN_*", "confined by Landlock"}},
		{"a backend that mounts", mounts, []string{"the network", "read /etc/oven", "read and write ${OVEN_HOME:-~/.oven}",
			"the privilege mount", "the privilege user-namespace", "run git", "the variable PATH", "the variables OVEN_*", "unconfined: needs mount"}},
		{"a modest backend", modest, []string{"confined by Landlock"}},
	} {
		if diff := cmp.Diff(tt.want, words(grant.Of(tt.of))); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if got := grant.Of(backend())[2]; got != (grant.Grant{Kind: grant.Path, Name: "${OVEN_HOME:-~/.oven}", Write: true}) {
		t.Errorf("as data it is %#v", got)
	}
}

func TestHowTwoVersionsDiffer(t *testing.T) {
	type M = manifest.Manifest
	for _, tt := range []struct {
		name   string
		of     func() *M
		change func(*M)
		want   []string
		widens bool
	}{
		{"nothing", backend, func(*M) {}, nil, false},
		{"version", backend, func(m *M) { m.Version = "1.1.0" }, []string{"version: 1.0.0 → 1.1.0"}, false},
		{"protocol", backend, func(m *M) { m.Protocol.Minor = 2 }, []string{"protocol: 1.0 → 1.2"}, false},
		{"network, gone", backend, func(m *M) { m.Permissions.Network = false }, []string{"permission: - the network"}, false},
		{"a path, written", backend, func(m *M) { m.Permissions.Paths[0] = "/etc/oven:rw" },
			[]string{"permission: read /etc/oven → read and write /etc/oven"}, true},
		{"a path, no longer written", backend, func(m *M) { m.Permissions.Paths[1] = "${OVEN_HOME:-~/.oven}" },
			[]string{"permission: read and write ${OVEN_HOME:-~/.oven} → read ${OVEN_HOME:-~/.oven}"}, false},
		{"another path", backend, func(m *M) { m.Permissions.Paths[0] = "/etc" },
			[]string{"permission: - read /etc/oven", "permission: + read /etc"}, true},
		{"a tool", backend, func(m *M) { m.Permissions.Tools = []string{"curl", "git"} }, []string{"permission: + run curl"}, true},
		{"a tool called as a path", backend, func(m *M) { m.Permissions.Tools = []string{"git", "/etc/oven"} }, []string{"permission: + run /etc/oven"}, true},
		{"order", backend, func(m *M) { m.Environment = []string{"OVEN_*", "PATH"} }, nil, false},
		{"mount", backend, func(m *M) { m.Permissions.Privileges = []string{"user-namespace", "mount"} },
			[]string{"confinement: confined by Landlock → unconfined: needs mount", "permission: + the privilege mount"}, true},
		{"a variable that was covered", backend, func(m *M) { m.Environment = []string{"PATH", "OVEN_*", "OVEN_HOME"} },
			[]string{"environment: + the variable OVEN_HOME"}, false},
		{"fewer variables", backend, func(m *M) { m.Environment = []string{"PATH", "OVEN_A_*"} },
			[]string{"environment: - the variables OVEN_*", "environment: + the variables OVEN_A_*"}, false},
		{"more variables", backend, func(m *M) { m.Environment = []string{"P*", "OVEN_*"} },
			[]string{"environment: - the variable PATH", "environment: + the variables P*"}, true},
		{"no permissions", backend, func(m *M) { m.Permissions = nil }, []string{"permission: - the network", "permission: - read /etc/oven",
			"permission: - read and write ${OVEN_HOME:-~/.oven}", "permission: - the privilege user-namespace", "permission: - run git"}, false},
		{"capabilities", backend, func(m *M) {
			m.Capabilities = &manifest.Capabilities{Features: []string{"exec"}, Platforms: []string{"linux/*", "darwin/*"}}
		}, []string{"capability: - copy", "capability: + exec", "capability: + images for darwin/*"}, false},
		{"platform", backend, func(m *M) { m.Files[0].Platform = "linux/arm64" }, []string{"platform: - linux/amd64", "platform: + linux/arm64"}, false},
		{"claims more", frontend, func(m *M) { m.Claims.Files = append(m.Claims.Files, "Dockerfile") }, []string{"claim: + files Dockerfile"}, true},
		{"claims less", frontend, func(m *M) { m.Claims.Files = []string{"Linesfile"} }, []string{"claim: - files *.lines"}, false},
		{"is found first", frontend, func(m *M) { m.Claims.Priority = 50 }, []string{"claim: priority 5 → priority 50"}, true},
		{"is found later", frontend, func(m *M) { m.Claims.Priority = -1 }, []string{"claim: priority 5 → priority -1"}, false},
		{"syntax", frontend, func(m *M) { m.Claims.Syntaxes = []string{"docker/dockerfile"} },
			[]string{"claim: - syntax acme/lines", "claim: + syntax docker/dockerfile"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after := tt.of()
			tt.change(after)
			got := grant.Diff(tt.of(), after)
			if diff := cmp.Diff(tt.want, words(got)); diff != "" {
				t.Error(diff)
			}
			if grant.Widens(got) != tt.widens {
				t.Errorf("it widens: %v", got)
			}
		})
	}
}

// An id that changes from one kind to the other says all that is new.
func TestAFrontendThatBecomesABackend(t *testing.T) {
	for _, d := range grant.Diff(frontend(), backend()) {
		switch d.Aspect {
		case grant.OfKind, grant.OfPermission, grant.OfEnvironment, grant.OfConfinement:
			if !d.Widens {
				t.Errorf("%v does not widen", d)
			}
		}
	}
	for _, d := range grant.Diff(backend(), frontend()) {
		if d.Widens && d.Aspect != grant.OfClaim {
			t.Errorf("%v widens", d)
		}
	}
}
