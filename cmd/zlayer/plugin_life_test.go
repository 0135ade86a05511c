// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Everything that happens to a plugin, from its author's folder to the third
// machine, happens without any network but loopback, and with signatures
// required.
func TestPluginLife(t *testing.T) {
	if !alone(t) {
		return
	}
	l := newLife(t)
	l.publish()
	l.first.addFirst()
	l.first.lock()
	digest := l.first.builds()
	l.second().buildsTheSame(digest)
	l.publishMore()
	l.first.update()
	l.first.rollBack()
	l.first.mirror()
	l.first.remove()
	l.registry.Close()
	l.site.Close()
	l.fromMirror("folder", l.mirrorDir, digest)
	l.fromMirror("archive", l.mirrorDir+".tar", digest)
}

// life is the world of TestPluginLife.
type life struct {
	t        *testing.T
	registry *pluginRegistry
	site     interface{ Close() }
	// siteURL is where the folder siteDir is served over https.
	siteURL, siteDir string
	certificate      string
	signer           *signer
	author           *sandbox
	first            *lifeMachine
	// project is a folder that all machines have, with a Boxfile and a lock
	// file; mirrorDir is outside of it.
	project, mirrorDir string
}

// lifeMachine is a machine of one who uses plugins.
type lifeMachine struct {
	*sandbox
	*life
}

func newLife(t *testing.T) *life {
	l := &life{
		t: t, registry: servePlugins(t), siteDir: t.TempDir(), signer: newSigner(t), author: newBoxes(t),
		project: boxContext(t), mirrorDir: filepath.Join(t.TempDir(), "mirror"),
	}
	server, certificate := serveFiles(t, l.siteDir)
	l.site, l.siteURL, l.certificate = server, server.URL, certificate
	l.first = l.machine()
	return l
}

// machine is one more machine, with the same project.
func (l *life) machine() *lifeMachine {
	s := newBoxes(l.t)
	s.dir = l.project
	s.env = append(s.env, "SSL_CERT_FILE="+l.certificate, "ZLAYER_SIGNATURES=require", "ZLAYER_TRUSTED_KEY=example.com/*="+l.signer.public)
	return &lifeMachine{s, l}
}

// publish publishes a backend for two platforms and a frontend to the registry,
// the frontend also as an archive, and another one as its author packed it.
func (l *life) publish() {
	a := l.author
	said := a.zlayer("plugin", "publish", a.plugin("sandbox-backend", box), a.pluginElsewhere("sandbox-backend", box),
		l.registry.at("box"), "--key", l.signer.private, "--format", "json")
	says(l.t, said, "linux/amd64", "linux/arm64", "sha256:")
	a.zlayer("plugin", "publish", a.plugin("dockerfile", boxfile), filepath.Join(l.siteDir, "boxfile.tar"), "--key", l.signer.private)
	packed := a.plugin("zimagefile", named("example.com/packed", "Packfile"))
	command(l.t, packed, "tar", "-czf", filepath.Join(l.siteDir, "packed.tar.gz"), ".")
	l.signer.sign(l.t, filepath.Join(l.siteDir, "packed.tar.gz"))
}

// named is a frontend of another name, for other files.
func named(id, file string) func(*manifest.Manifest) {
	return func(m *manifest.Manifest) {
		boxfile(m)
		m.ID, m.Claims.Files, m.Claims.Discover = id, []string{file}, []string{file}
	}
}

// addFirst adds from the registry and over https. What touches more than
// contexts and images must be accepted, and signatures are checked.
func (m *lifeMachine) addFirst() {
	says(m.life.t, m.fails(11, "plugin", "add", m.registry.at("box")), boxID, "--yes")
	m.zlayer("plugin", "add", "--yes", m.registry.at("box"))
	m.zlayer("plugin", "add", "--yes", m.siteURL+"/boxfile.tar")
	m.zlayer("plugin", "add", "--yes", m.siteURL+"/packed.tar.gz")
	for id, p := range m.installed() {
		if p.Problem != "" || !strings.Contains(p.Signature, "key.pub") {
			m.life.t.Errorf("%s: %+v", id, p)
		}
	}
	m.zlayer("plugin", "verify")
	m.zlayer("plugin", "remove", "example.com/packed")
	m.has(map[string]string{boxID: "1.0.0", boxfileID: "1.0.0"})
	stranger := newSigner(m.life.t)
	stranger.sign(m.life.t, filepath.Join(m.siteDir, "packed.tar.gz"))
	says(m.life.t, m.fails(11, "plugin", "add", "--yes", m.siteURL+"/packed.tar.gz"), "example.com/packed", "trusted-key")
}

// has compares what is installed, by version.
func (m *lifeMachine) has(want map[string]string) {
	m.life.t.Helper()
	got := map[string]string{}
	for id, p := range m.installed() {
		got[id] = p.Version
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.life.t.Error(diff)
	}
}

func (m *lifeMachine) lock() {
	m.zlayer("plugin", "lock")
	raw, err := os.ReadFile(filepath.Join(m.project, "zlayer.lock"))
	if err != nil {
		m.life.t.Fatal(err)
	}
	says(m.life.t, string(raw), boxID, boxfileID, m.registry.at("box"), m.siteURL+"/boxfile.tar")
}

// builds checks and builds the project, and returns the digest of the image.
func (m *lifeMachine) builds() string {
	m.life.t.Helper()
	m.zlayer("check", "--locked", "Boxfile")
	return m.zlayer("build", "--locked", "--backend", boxID, ".")
}

func (m *lifeMachine) buildsTheSame(digest string) {
	m.life.t.Helper()
	if got := m.builds(); got != digest {
		m.life.t.Errorf("this machine built %s and the first one %s", got, digest)
	}
}

// second is a machine that has nothing but the project and its lock file.
func (l *life) second() *lifeMachine {
	m := l.machine()
	m.fails(13, "check", "--locked", "Boxfile")
	m.zlayer("plugin", "add", "--locked")
	m.has(map[string]string{boxID: "1.0.0", boxfileID: "1.0.0"})
	return m
}

// publishMore publishes a version of the backend that reads one more file.
func (l *life) publishMore() {
	edits := []func(*manifest.Manifest){box, at("1.1.0"), needing("~/.boxrc")}
	a := l.author
	a.zlayer("plugin", "publish", a.plugin("sandbox-backend", edits...), a.pluginElsewhere("sandbox-backend", edits...),
		l.registry.at("box"), "--key", l.signer.private)
}

// update asks before it lets a plugin touch more. The project stays with what
// it pins.
func (m *lifeMachine) update() {
	m.dir = m.life.t.TempDir()
	says(m.life.t, m.fails(11, "plugin", "update", boxID), "~/.boxrc", "--yes")
	m.has(map[string]string{boxID: "1.0.0", boxfileID: "1.0.0"})
	m.zlayer("plugin", "update", "--yes", boxID)
	m.has(map[string]string{boxID: "1.1.0", boxfileID: "1.0.0"})
	m.dir = m.project
	m.has(map[string]string{boxID: "1.0.0", boxfileID: "1.0.0"})
	m.builds()
}

// rollBack goes back to what was accepted before, which asks nothing.
func (m *lifeMachine) rollBack() {
	m.dir = m.life.t.TempDir()
	m.zlayer("plugin", "rollback", boxID)
	m.has(map[string]string{boxID: "1.0.0", boxfileID: "1.0.0"})
	m.dir = m.project
}

// mirror copies what the project pins, for machines of every platform.
func (m *lifeMachine) mirror() {
	for _, destination := range []string{m.mirrorDir, m.mirrorDir + ".tar"} {
		says(m.life.t, m.zlayer("plugin", "mirror", destination, "--format", "json"), boxID, boxfileID, "linux/amd64", "linux/arm64")
	}
}

// remove removes what the lock file pins, which the project then lacks.
func (m *lifeMachine) remove() {
	m.zlayer("plugin", "remove", boxID, boxfileID)
	m.has(map[string]string{})
	says(m.life.t, m.fails(13, "build", "--locked", "--backend", boxID, "."), "zlayer plugin add --locked")
}

// fromMirror is a machine that has the project and a mirror, and that nobody
// answers any more.
func (l *life) fromMirror(name, mirror, digest string) {
	m := l.machine()
	m.fails(12, "plugin", "add", "--locked")
	m.zlayer("plugin", "add", "--locked", "--from", mirror)
	m.has(map[string]string{boxID: "1.0.0", boxfileID: "1.0.0"})
	m.zlayer("plugin", "verify")
	m.buildsTheSame(digest)
	l.t.Logf("a machine has built from the %s", name)
}
