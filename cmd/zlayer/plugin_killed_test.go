// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "chooses the moments of TestPluginKilled: go test … -args -seed N")

// moments is how often each command is killed.
const moments = 20

// victim is a command that is killed, again and again from the same state.
type victim struct {
	name string
	// id is what it installs, which may be broken after it was killed.
	id string
	// prepare makes the state folder that it begins with.
	prepare func(m *mess, r *pluginRegistry)
	args    func(m *mess, r *pluginRegistry) []string
}

// pace is that of the registry while something is killed: what is small for the
// machine then takes about a second.
const pace = 16 << 20

var victims = []victim{
	{"add a frontend", boxfileID,
		func(m *mess, r *pluginRegistry) {
			m.zlayer("plugin", "publish", m.plugin("dockerfile", boxfile), r.at("boxfile"))
		},
		func(_ *mess, r *pluginRegistry) []string { return []string{"plugin", "add", "--yes", r.at("boxfile")} }},
	{"add a backend", boxID,
		func(m *mess, r *pluginRegistry) {
			m.zlayer("plugin", "publish", m.plugin("sandbox-backend", box), r.at("box"))
		},
		func(_ *mess, r *pluginRegistry) []string { return []string{"plugin", "add", "--yes", r.at("box")} }},
	{"update", boxID,
		func(m *mess, r *pluginRegistry) {
			m.zlayer("plugin", "publish", m.plugin("sandbox-backend", box), r.at("box"))
			m.zlayer("plugin", "add", "--yes", r.at("box"))
			m.zlayer("plugin", "publish", m.plugin("sandbox-backend", box, at("1.1.0"), needing("~/.boxrc")), r.at("box"))
		},
		func(*mess, *pluginRegistry) []string { return []string{"plugin", "update", "--yes"} }},
	{"build", "",
		func(m *mess, _ *pluginRegistry) {
			m.zlayer("plugin", "add", "--yes", m.plugin("sandbox-backend", box), m.plugin("dockerfile", boxfile))
		},
		func(m *mess, _ *pluginRegistry) []string {
			return []string{"build", "--no-cache", "--backend", boxID, m.context}
		}},
	{"check", "",
		func(m *mess, _ *pluginRegistry) {
			m.zlayer("plugin", "add", "--yes", m.plugin("dockerfile", boxfile))
			command(m.t, m.data, "rm", "-r", "wasm")
		},
		func(m *mess, _ *pluginRegistry) []string { return []string{"check", m.context} }},
}

// Whenever zlayer is killed, nothing of it goes on, what is installed can be
// used, and the same command works. The seed that is logged does it again.
func TestPluginKilled(t *testing.T) {
	t.Logf("-args -seed %d", *seed)
	for i, v := range victims {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			kill(t, v, rand.New(rand.NewPCG(*seed, uint64(i))))
		})
	}
}

func kill(t *testing.T, v victim, random *rand.Rand) {
	m := watch(newBoxes(t))
	m.context, m.container = boxContext(t), boxID
	m.socketStays = true // when its backend had not come up
	registry := servePlugins(t)
	v.prepare(m, registry)
	m.keep()
	registry.pace.Store(pace)
	args := v.args(m, registry)
	start := time.Now()
	m.zlayer(args...)
	whole := time.Since(start)
	var slowest time.Duration
	for i := range moments {
		m.restore()
		moment := time.Duration(random.Int64N(int64(whole)))
		m.launch(m.command(args...))
		time.Sleep(moment)
		m.signal(m.cmd.Process.Pid, syscall.SIGKILL)
		m.exit()
		slowest = max(slowest, m.await("zlayer to be gone", cleanWithin, m.left))
		t.Logf("moment %d, %v of %v: %v", i, moment, whole, m.cmd.ProcessState)
		m.noted()
		m.readable(v.id)
		m.zlayer(args...)
		if left := m.left() + m.leftInState() + m.leftOnShelf(); left != "" {
			t.Errorf("after the next %s there is still:\n%s", v.name, left)
		}
	}
	t.Logf("nothing left after %v at the latest", slowest)
}

// keep remembers the state folder, and restore makes it what it was.
func (m *mess) keep() {
	m.t.Helper()
	command(m.t, ".", "mkdir", "-p", m.data)
	command(m.t, ".", "cp", "-a", m.data, m.kept())
}

func (m *mess) restore() {
	m.t.Helper()
	command(m.t, ".", "rm", "-rf", m.data)
	command(m.t, ".", "cp", "-a", m.kept(), m.data)
}

func (m *mess) kept() string { return m.sandbox.data + ".kept" }

// noted checks that the next start knows of the folders for sockets that are
// left.
func (m *mess) noted() {
	m.t.Helper()
	for _, dir := range under(m.temp) {
		if _, err := os.Stat(filepath.Join(m.data, "sockets", filepath.Base(dir))); err != nil {
			m.t.Error(err)
		}
	}
}

// readable checks that all plugins can be listed, and are whole but for one
// that was being installed.
func (m *mess) readable(installing string) {
	m.t.Helper()
	parseList(m.t, m.zlayer("plugin", "list", "--format", "json"))
	out, err := m.try("plugin", "verify", "--format", "json")
	var found []listed
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		m.t.Fatalf("plugin verify: %v\n%s", err, out)
	}
	broken := false
	for _, p := range found {
		broken = broken || p.Problem != ""
		if p.Problem != "" && p.ID != installing {
			m.t.Errorf("%s is broken: %s", p.ID, p.Problem)
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) != broken {
		m.t.Errorf("plugin verify: %v, and it printed:\n%s", err, out)
	}
}

// leftOnShelf lists what should not be with the installed plugins.
func (m *mess) leftOnShelf() string {
	shelf := filepath.Join(m.data, "plugins")
	left := under(filepath.Join(shelf, ".incoming"))
	for _, pattern := range []string{"new-*", "releases/new-*"} {
		found, err := filepath.Glob(filepath.Join(shelf, pattern))
		if err != nil {
			m.t.Fatal(err)
		}
		left = append(left, found...)
	}
	return strings.Join(left, "\n")
}
