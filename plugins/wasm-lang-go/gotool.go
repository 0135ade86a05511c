// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// oldestGo is the first release whose go build speaks JSON.
const oldestGo = "go1.24"

// passed are the variables that every run of the go tool gets from the
// backend's own environment: how to reach the network, and where the user's
// files are.
var passed = []string{
	"PATH", "HOME", "XDG_CONFIG_HOME", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// settings are Go's own variables that a build takes over from the user,
// whether they are in the environment or written by go env -w. They decide
// which Go is used and how modules are fetched, never what is in a module:
// go.sum does. Variables that change what is built are set by the build.
var settings = []string{
	"GOAUTH", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH",
	"GOPRIVATE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "GOVCS",
}

// goTool is the go tool of this machine.
type goTool struct {
	path    string
	version string // of the tool itself: "go1.26.8"
	policy  string // GOTOOLCHAIN: whether a project may choose another version
}

// identity is what decides, together with a project's go.mod, which Go builds.
func (g goTool) identity() string { return g.version + " GOTOOLCHAIN=" + g.policy }

// findGo finds the go tool and asks it for its version.
func findGo(ctx context.Context) (goTool, error) {
	path, err := toolchain.Find("go", "install Go 1.24 or newer from https://go.dev/dl and put its bin folder on PATH")
	if err != nil {
		return goTool{}, err
	}
	g := goTool{path: path}
	if g.version, err = g.variables(ctx, "GOTOOLCHAIN=local", "GOVERSION"); err != nil {
		return goTool{}, err
	}
	if tooOld(g.version) {
		f := backend.Machinef(nil, "%s is %s, and Go 1.24 or newer is needed", path, g.version)
		f.Help = "install a newer Go from https://go.dev/dl and put its bin folder first on PATH"
		return goTool{}, f
	}
	// Asked for alone, GOTOOLCHAIN is answered without switching to it.
	g.policy, err = g.variables(ctx, "", "GOTOOLCHAIN")
	return g, err
}

// variables asks go env. The extra variable of the environment is there for
// GOTOOLCHAIN=local: a question must not download another Go. GOFLAGS is set
// because the user's may not be valid for this Go.
func (g goTool) variables(ctx context.Context, extra string, args ...string) (string, error) {
	env := append(userEnv(), "GOFLAGS=-trimpath")
	if extra != "" {
		env = append(env, extra)
	}
	return toolchain.Ask(ctx, toolchain.Command{Path: g.path, Args: append([]string{"env"}, args...), Env: env})
}

// tooOld says whether a GOVERSION is older than oldestGo. Versions that are no
// release ("devel …") pass.
func tooOld(goversion string) bool {
	release, _, _ := strings.Cut(goversion, " ") // "go1.25.1 X:nocoverageredesign"
	release, _, _ = strings.Cut(release, "-")
	return version.IsValid(release) && version.Compare(release, oldestGo) < 0
}

// userSettings returns the user's values of settings.
func (g goTool) userSettings(ctx context.Context) (map[string]string, error) {
	text, err := g.variables(ctx, "GOTOOLCHAIN=local", append([]string{"-json"}, settings...)...)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("reading the settings of %s: %w", g.path, err)
	}
	values["GOTOOLCHAIN"] = g.policy
	return values, nil
}

// userEnv is what of the backend's environment the go tool needs to find the
// user's settings.
func userEnv() []string {
	return toolchain.Environ(append(append([]string{"GOENV"}, passed...), settings...)...)
}
