// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/host"
	ours "github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// elsewhere is a platform that no machine has.
const elsewhere = "other/cpu"

// module is a frontend that does nothing; the note makes it another one.
func module(note string) string {
	const code = "\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x05\x03\x01\x00\x01" +
		"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00" + "\x0a\x04\x01\x02\x00\x0b"
	custom := string(rune(len("note"))) + "note" + note
	return code + "\x00" + string(rune(len(custom))) + custom
}

// plugin is one that a test made.
type plugin struct {
	*manifest.Manifest
	// files are the contents, by path.
	files map[string]string
}

// frontend is a frontend that claims "<id>file".
func frontend(id, version string) *plugin {
	p := &plugin{Manifest: &manifest.Manifest{
		Schema: 1, ID: id, Kind: manifest.Frontend, Version: version, Protocol: manifest.Protocol{Major: manifest.FrontendMajor},
		Claims: &manifest.Claims{Files: []string{filepath.Base(id) + "file"}},
	}}
	return p.add("m.wasm", "", module(id+" "+version))
}

// backend is a backend for platforms; none is this machine.
func backend(id, version string, platforms ...string) *plugin {
	if platforms == nil {
		platforms = []string{store.Platform()}
	}
	p := &plugin{Manifest: &manifest.Manifest{
		Schema: 1, ID: id, Kind: manifest.Backend, Version: version, Protocol: manifest.Protocol{Major: manifest.BackendMajor},
		Capabilities: &manifest.Capabilities{Features: []string{}, Platforms: []string{"linux/*"}},
		Permissions:  &manifest.Permissions{Tools: []string{"git"}},
	}}
	for _, on := range platforms {
		p.add(strings.ReplaceAll(on, "/", "-"), on, "program "+id+" "+version+" "+on)
	}
	return p
}

// add adds a main file.
func (p *plugin) add(path, platform, content string) *plugin {
	if p.files == nil {
		p.files = map[string]string{}
	}
	p.files[path] = content
	digest, _ := manifest.Digest(strings.NewReader(content))
	p.Files = append(p.Files, manifest.File{Path: path, Digest: digest, Platform: platform, Role: manifest.RoleMain})
	return p
}

// with changes the manifest.
func (p *plugin) with(change func(*manifest.Manifest)) *plugin {
	change(p.Manifest)
	return p
}

// raw is the manifest as it is in a folder.
func (p *plugin) raw(t testing.TB) string {
	t.Helper()
	raw, err := manifest.Format(p.Manifest)
	ok(t, err)
	return string(raw)
}

// folder writes the plugin into a new folder.
func (p *plugin) folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range p.files {
		write(t, filepath.Join(dir, path), content)
	}
	write(t, filepath.Join(dir, manifest.FileName), p.raw(t))
	return dir
}

func write(t testing.TB, file, content string) string {
	t.Helper()
	ok(t, os.MkdirAll(filepath.Dir(file), 0o755))
	ok(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pack makes a .tar.gz of a folder.
func pack(t testing.TB, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	ok(t, w.AddFS(os.DirFS(dir)))
	ok(t, w.Close())
	ok(t, z.Close())
	return b.Bytes()
}

// tarOf makes a .tar of entries.
func tarOf(t testing.TB, entries ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		ok(t, w.WriteHeader(&h))
		_, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size)))
		ok(t, err)
	}
	ok(t, w.Close())
	return b.String()
}

// manager opens a Manager, with a new state folder where none is set, that
// does not wait long.
func manager(t testing.TB, c host.Config) *Manager {
	t.Helper()
	if c.DataDir == "" {
		c.DataDir = t.TempDir()
	}
	m, err := Open(c)
	ok(t, err)
	m.client = ours.New(ours.Options{
		Insecure: c.InsecureRegistries, Pause: time.Millisecond,
		AuthFiles: []string{filepath.Join(c.DataDir, "auth.json")},
	})
	return m
}

// add adds sources and returns the changes.
func add(t testing.TB, m *Manager, o AddOptions, sources ...string) []*Change {
	t.Helper()
	p, err := m.PlanAdd(t.Context(), sources, o)
	return applied(t, p, err)
}

func applied(t testing.TB, p *Plan, err error) []*Change {
	t.Helper()
	ok(t, err)
	defer p.Close()
	ok(t, p.Apply(t.Context(), nil))
	return p.Changes
}

// try is add that may fail.
func try(t testing.TB, m *Manager, o AddOptions, sources ...string) error {
	t.Helper()
	p, err := m.PlanAdd(t.Context(), sources, o)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Apply(t.Context(), nil)
}

// publish puts plugins where the destination says.
func publish(t testing.TB, destination, key string, list ...*plugin) {
	t.Helper()
	m := manager(t, host.Config{})
	for _, p := range list {
		_, err := m.Publish(t.Context(), []string{p.folder(t)}, destination, PublishOptions{Key: key, Replace: true})
		ok(t, err)
	}
}

// keyPair makes a key pair and returns its files.
func keyPair(t testing.TB, name string) (secret, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ok(t, err)
	shared, err := x509.MarshalPKIXPublicKey(key.Public())
	ok(t, err)
	dir := t.TempDir()
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return write(t, filepath.Join(dir, name+".key"), inPEM("PRIVATE KEY", private)),
		write(t, filepath.Join(dir, name+".pem"), inPEM("PUBLIC KEY", shared))
}

// detached signs a file; the signature is beside it.
func detached(t testing.TB, key, file string) {
	t.Helper()
	signer, err := trust.OpenSigner(key, nil)
	ok(t, err)
	data, err := os.ReadFile(file)
	ok(t, err)
	digest, err := manifest.Digest(bytes.NewReader(data))
	ok(t, err)
	signature, err := signer.Detached(digest)
	ok(t, err)
	write(t, file+source.SignatureSuffix, string(signature))
}

// installed is what List says is installed, as "id version".
func installed(t testing.TB, m *Manager) string {
	t.Helper()
	list, err := m.List()
	ok(t, err)
	var texts []string
	for _, p := range list {
		text := p.ID + " " + p.Version
		if p.Problem != "" {
			text += " (" + p.Problem + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// whole fails the test where Verify finds something.
func whole(t testing.TB, m *Manager) {
	t.Helper()
	for _, v := range must(m.Verify(t.Context())) {
		if v.Problem != "" {
			t.Errorf("%+v", v)
		}
	}
}

// tree lists the files below a folder.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var list []string
	ok(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))
	return list
}

// absent says whether an error is that a plugin is not there.
func absent(err error) bool {
	var e *host.PluginError
	return errors.As(err, &e) && e.Fault == host.Absent
}
