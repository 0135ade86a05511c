// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"archive/tar"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

var update = flag.Bool("update", false, "write testdata/refusals.txt anew")

// lab is what one refusal happens in.
type lab struct {
	testing.TB
	// oci is a registry, web a server of the files in dir.
	oci, web *server
	dir      string
	config   host.Config
}

// at is the repository of all plugins.
func (l *lab) at() string { return l.oci.host + "/acme/tool" }

// url is that of a file, which it writes.
func (l *lab) url(name, content string) string {
	write(l, filepath.Join(l.dir, name), content)
	return l.web.URL + "/" + name
}

// add publishes plugins and says why the source is not added.
func (l *lab) add(source string, published ...*plugin) error {
	l.Helper()
	publish(l, l.at(), "", published...)
	return try(l, manager(l, l.config), AddOptions{}, source)
}

// broken is add through a registry with a fault.
func (l *lab) broken(path string, f http.HandlerFunc) error {
	l.Helper()
	publish(l, l.at(), "", frontend("tool", "1.0.0"))
	l.oci.breaks(on(path, f))
	return l.add(l.at())
}

// second adds one plugin, and then says why another one is not added.
func (l *lab) second(o AddOptions, first, source string) error {
	l.Helper()
	m := manager(l, l.config)
	add(l, m, AddOptions{}, first)
	return try(l, m, o, source)
}

// archive says why an archive is not added.
func (l *lab) archive(content string) error {
	l.Helper()
	return l.add(write(l, filepath.Join(l.dir, "tool.tar.gz"), content))
}

// changed publishes version 1.0.0 of a frontend that was changed.
func changed(change func(*manifest.Manifest)) *plugin { return frontend("tool", "1.0.0").with(change) }

func otherMajor(m *manifest.Manifest) { m.Protocol.Major = 7 }

// tampered installs a plugin, changes a file of it or, without a name, its
// record, and returns the Manager.
func (l *lab) tampered(name, content string) *Manager {
	l.Helper()
	publish(l, l.at(), "", frontend("tool", "1.0.0"))
	m := manager(l, l.config)
	add(l, m, AddOptions{}, l.at())
	for _, file := range tree(l, filepath.Join(m.config.DataDir, "plugins", "releases")) {
		if filepath.Base(file) == name || name == "" && !strings.Contains(file, "/") {
			write(l, filepath.Join(m.config.DataDir, "plugins", "releases", file), content)
			return m
		}
	}
	l.Fatalf("there is no %s", name)
	return nil
}

// verified is what Verify says of the only plugin.
func verified(l *lab, m *Manager) error {
	list, err := m.Verify(l.Context())
	if err != nil {
		return err
	}
	return &host.PluginError{ID: list[0].ID, Fault: list[0].Fault, Message: list[0].Problem, Help: list[0].Help}
}

// used is what a check says that needs the plugin.
func used(l *lab, m *Manager) error {
	h, err := host.Open(m.config)
	if err != nil {
		return err
	}
	defer h.Close()
	_, err = h.Check(l.Context(), host.Source{Name: "toolfile"})
	return err
}

// locked says why nothing is installed by a lock file.
func (l *lab) locked(lock, from string) error {
	l.Helper()
	l.config.LockFile, l.config.Locked = lock, true
	p, err := manager(l, l.config).PlanLocked(l.Context(), from)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Apply(l.Context(), nil)
}

// lock adds a source and locks it.
func (l *lab) lock(source string) string {
	l.Helper()
	m := manager(l, l.config)
	add(l, m, AddOptions{}, source)
	file := filepath.Join(l.dir, LockName)
	must(m.Lock(l.Context(), file))
	return file
}

// signed demands signatures by a key.
func (l *lab) signed(public string) {
	l.config.Signatures = host.Signatures{Policy: "require", Keys: []string{public}}
}

func closed(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// refusals are the ways in which a plugin is not installed or used.
var refusals = []struct {
	name string
	try  func(l *lab) error
}{
	{"a blob is another", func(l *lab) error {
		return l.broken("/blobs/"+frontend("tool", "1.0.0").Files[0].Digest, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(module("tool 1.0.0"), "tool", "evil", 1))
		})
	}},
	{"a folder is not sealed", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		write(l, filepath.Join(dir, "m.wasm"), "other")
		return l.add(dir)
	}},
	{"an archive is not sealed", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		write(l, filepath.Join(dir, "m.wasm"), "other")
		return l.archive(string(pack(l, dir)))
	}},
	{"a file is missing", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		ok(l, os.Remove(filepath.Join(dir, "m.wasm")))
		return l.add(dir)
	}},
	{"another platform, an older version has this", func(l *lab) error {
		return l.add(l.at()+":2.0.0", backend("acme.example/tool", "1.0.0"), backend("acme.example/tool", "2.0.0", elsewhere))
	}},
	{"another platform only", func(l *lab) error {
		return l.add(l.at(), backend("acme.example/tool", "1.0.0", elsewhere))
	}},
	{"another platform, in a folder", func(l *lab) error {
		return l.add(backend("acme.example/tool", "1.0.0", elsewhere).folder(l))
	}},
	{"401", func(l *lab) error { return l.broken("/", status(401)) }},
	{"401 with credentials", func(l *lab) error {
		l.config.DataDir = l.TempDir()
		write(l, filepath.Join(l.config.DataDir, "auth.json"),
			fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, l.oci.host, base64.StdEncoding.EncodeToString([]byte("me:hunter2"))))
		return l.broken("/", status(401))
	}},
	{"credentials that cannot be read", func(l *lab) error {
		l.config.DataDir = l.TempDir()
		write(l, filepath.Join(l.config.DataDir, "auth.json"), "{")
		return l.add(l.at())
	}},
	{"403", func(l *lab) error { return l.broken("/", status(403)) }},
	{"403 of a URL", func(l *lab) error {
		l.web.breaks(on("/", status(403)))
		return l.add(l.web.URL + "/tool.tar.gz")
	}},
	{"404 repository", func(l *lab) error { return l.add(l.at()) }},
	{"404 tag", func(l *lab) error {
		return l.add(l.at()+":3.0.0", frontend("tool", "1.0.0"), frontend("tool", "2.0.0"))
	}},
	{"404 of a URL", func(l *lab) error { return l.add(l.web.URL + "/tool.tar.gz") }},
	{"429 for ever", func(l *lab) error { return l.broken("/", status(429)) }},
	{"500", func(l *lab) error { return l.broken("/manifests/", status(500)) }},
	{"truncated blob", func(l *lab) error { return l.broken("/blobs/"+frontend("tool", "1.0.0").Files[0].Digest, cut) }},
	{"truncated archive", func(l *lab) error {
		l.web.breaks(on("/", cut))
		return l.add(l.web.URL + "/tool.tar.gz")
	}},
	{"archive that ends early", func(l *lab) error {
		whole := string(pack(l, frontend("tool", "1.0.0").folder(l)))
		return l.add(l.url("tool.tar.gz", whole[:len(whole)/2]))
	}},
	{"dropped connection", func(l *lab) error {
		return l.broken("/", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}},
	{"certificate", func(l *lab) error {
		l.config.InsecureRegistries = nil
		return l.add(l.url("tool.tar.gz", ""))
	}},
	{"plain http", func(l *lab) error { return l.add("http://plugins.example/tool.tar.gz") }},
	{"no such host", func(l *lab) error { return l.add("https://no..host/tool.tar.gz") }},
	{"registry refuses connections", func(l *lab) error { return l.add(closed(l) + "/acme/tool") }},
	{"no source", func(l *lab) error { return l.add("tool") }},
	{"no reference", func(l *lab) error { return l.add("oci://Acme/Tool") }},
	{"no digest", func(l *lab) error { return l.add(l.at() + "@sha256:12") }},
	{"no file", func(l *lab) error { return l.add(filepath.Join(l.dir, "tool.tar")) }},
	{"another protocol, an older version fits", func(l *lab) error {
		return l.add(l.at()+":2.0.0", frontend("tool", "1.0.0"), frontend("tool", "2.0.0").with(otherMajor))
	}},
	{"another protocol only", func(l *lab) error { return l.add(l.at(), changed(otherMajor)) }},
	{"another protocol, in a mirror, an older version fits", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror.tar")
		publish(l, to, "", frontend("tool", "1.0.0"), frontend("tool", "2.0.0").with(otherMajor))
		return try(l, manager(l, l.config), AddOptions{From: to}, "tool@2.0.0")
	}},
	{"no such version in a mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror.tar")
		publish(l, to, "", frontend("tool", "1.0.0"))
		return try(l, manager(l, l.config), AddOptions{From: to}, "tool@2.0.0")
	}},
	{"no such plugin in a mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror.tar")
		publish(l, to, "", frontend("tool", "1.0.0"))
		return try(l, manager(l, l.config), AddOptions{From: to}, "other")
	}},
	{"damaged mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror")
		publish(l, to, "", frontend("tool", "1.0.0"))
		blob := filepath.Join(to, "blobs", "sha256", strings.TrimPrefix(frontend("tool", "1.0.0").Files[0].Digest, "sha256:"))
		write(l, blob, "other")
		return l.add(to)
	}},
	{"bad manifest", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		write(l, filepath.Join(dir, manifest.FileName), `{"schema": 1, "id": "tool", "hooks": []}`)
		return l.add(dir)
	}},
	{"newer manifest", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		write(l, filepath.Join(dir, manifest.FileName), `{"schema": 2}`)
		return l.add(dir)
	}},
	{"no manifest", func(l *lab) error { return l.add(l.TempDir()) }},
	{"a container image", func(l *lab) error {
		image, err := random.Image(10, 1)
		ok(l, err)
		ok(l, remote.Write(must(name.NewTag(l.at()+":1.0.0")), image))
		return l.add(l.at())
	}},
	{"an archive of something else", func(l *lab) error {
		dir := l.TempDir()
		write(l, filepath.Join(dir, "README"), "hello")
		return l.archive(string(pack(l, dir)))
	}},
	{"no archive", func(l *lab) error { return l.archive("<html>Sorry</html>") }},
	{"no archive, from a URL", func(l *lab) error {
		return l.add(l.url("tool.tar.gz", strings.Repeat("<html>Sorry</html>", 100)))
	}},
	{"no wasm module", func(l *lab) error {
		p := frontend("tool", "1.0.0")
		p.Files = nil
		return l.add(l.at(), p.add("m.wasm", "", "no module"))
	}},
	{"the same id from elsewhere", func(l *lab) error {
		publish(l, l.oci.host+"/other/tool", "", frontend("tool", "2.0.0"))
		publish(l, l.at(), "", frontend("tool", "1.0.0"))
		return l.second(AddOptions{}, l.at(), l.oci.host+"/other/tool")
	}},
	{"an id of the bundle", func(l *lab) error {
		l.config.BundleDir = l.TempDir()
		ok(l, os.CopyFS(filepath.Join(l.config.BundleDir, "tool"), os.DirFS(frontend("tool", "1.0.0").folder(l))))
		return l.add(l.at(), frontend("tool", "1.1.0"))
	}},
	{"twice in one add", func(l *lab) error {
		p := frontend("tool", "1.0.0")
		return try(l, manager(l, l.config), AddOptions{}, p.folder(l), p.folder(l))
	}},
	{"the same version with other content", func(l *lab) error {
		publish(l, l.at(), "", frontend("tool", "1.0.0"))
		m := manager(l, l.config)
		add(l, m, AddOptions{}, l.at())
		publish(l, l.at(), "", changed(func(m *manifest.Manifest) { m.Summary = "other" }))
		return try(l, m, AddOptions{}, l.at())
	}},
	{"colliding claims", func(l *lab) error {
		other := frontend("other", "1.0.0").with(func(m *manifest.Manifest) { m.Claims.Files = []string{"toolfile"} })
		return l.second(AddOptions{}, frontend("tool", "1.0.0").folder(l), other.folder(l))
	}},
	{"colliding claims in one add", func(l *lab) error {
		other := frontend("other", "1.0.0").with(func(m *manifest.Manifest) { m.Claims.Files = []string{"toolfile"} })
		return try(l, manager(l, l.config), AddOptions{}, frontend("tool", "1.0.0").folder(l), other.folder(l))
	}},
	{"colliding claims with the bundle", func(l *lab) error {
		l.config.BundleDir = frontend("tool", "1.0.0").folder(l)
		other := frontend("other", "1.0.0").with(func(m *manifest.Manifest) { m.Claims.Files = []string{"toolfile"} })
		return l.add(other.folder(l))
	}},
	{"unsigned", func(l *lab) error {
		_, public := keyPair(l, "acme")
		l.signed(public)
		return l.add(l.at(), frontend("tool", "1.0.0"))
	}},
	{"unsigned, and nobody is trusted", func(l *lab) error {
		l.config.Signatures.Policy = "require"
		return l.add(l.at(), frontend("tool", "1.0.0"))
	}},
	{"signed by somebody else", func(l *lab) error {
		secret, _ := keyPair(l, "stranger")
		_, public := keyPair(l, "acme")
		l.signed(public)
		publish(l, l.at(), secret, frontend("tool", "1.0.0"))
		return l.add(l.at())
	}},
	{"signed by the key of others", func(l *lab) error {
		secret, public := keyPair(l, "acme")
		l.signed("acme.example/*=" + public)
		publish(l, l.at(), secret, frontend("tool", "1.0.0"))
		return l.add(l.at())
	}},
	{"the signature of something else", func(l *lab) error {
		secret, public := keyPair(l, "acme")
		l.signed(public)
		for _, id := range []string{"tool", "other"} {
			publish(l, filepath.Join(l.dir, id+".tar"), secret, frontend(id, "1.0.0"))
		}
		dir := l.TempDir()
		write(l, filepath.Join(dir, "tool.tar.gz"), string(pack(l, frontend("tool", "1.0.0").folder(l))))
		ok(l, os.Rename(filepath.Join(l.dir, "other.tar.sigstore.json"), filepath.Join(dir, "tool.tar.gz.sigstore.json")))
		return l.add(filepath.Join(dir, "tool.tar.gz"))
	}},
	{"a key that is not there", func(l *lab) error {
		l.signed(filepath.Join(l.dir, "acme.pem"))
		return l.add(l.at(), frontend("tool", "1.0.0"))
	}},
	{"no policy", func(l *lab) error {
		l.config.Signatures.Policy = "maybe"
		l.config.DataDir = l.TempDir()
		_, err := Open(l.config)
		return err
	}},
	{"a module changed after install", func(l *lab) error { return verified(l, l.tampered("m.wasm", "other")) }},
	{"a manifest changed after install", func(l *lab) error {
		return verified(l, l.tampered(manifest.FileName, frontend("tool", "2.0.0").raw(l)))
	}},
	{"a record changed after install", func(l *lab) error { return verified(l, l.tampered("", "{")) }},
	{"use of a changed module", func(l *lab) error { return used(l, l.tampered("m.wasm", "other")) }},
	{"use of a changed manifest", func(l *lab) error { return used(l, l.tampered(manifest.FileName, frontend("tool", "2.0.0").raw(l))) }},
	{"use of what nobody signed", func(l *lab) error {
		m := l.tampered("m.wasm", module("tool 1.0.0")) // the same
		_, public := keyPair(l, "acme")
		m.config.Signatures = host.Signatures{Policy: "require", Keys: []string{public}}
		return used(l, m)
	}},
	{"damaged list of plugins", func(l *lab) error {
		m := manager(l, l.config)
		write(l, filepath.Join(m.config.DataDir, "plugins", "index.json"), "{")
		return try(l, m, AddOptions{}, frontend("tool", "1.0.0").folder(l))
	}},
	{"newer list of plugins", func(l *lab) error {
		m := manager(l, l.config)
		write(l, filepath.Join(m.config.DataDir, "plugins", "index.json"), `{"schema": 2}`)
		_, err := m.List()
		return err
	}},
	{"no folder of plugins", func(l *lab) error {
		l.config.PluginDirs = []string{filepath.Join(l.dir, "none")}
		_, err := manager(l, l.config).List()
		return err
	}},
	{"state folder below a file", func(l *lab) error {
		l.config.DataDir = filepath.Join(write(l, filepath.Join(l.dir, "file"), ""), "state")
		return l.add(frontend("tool", "1.0.0").folder(l))
	}},
	{"lock file with a conflict", func(l *lab) error {
		return l.locked(write(l, filepath.Join(l.dir, LockName), "{\n<<<<<<< HEAD\n"), "")
	}},
	{"newer lock file", func(l *lab) error {
		return l.locked(write(l, filepath.Join(l.dir, LockName), `{"schema": 2, "plugins": {}}`), "")
	}},
	{"no lock file", func(l *lab) error { return l.locked(filepath.Join(l.dir, LockName), "") }},
	{"no lock file anywhere", func(l *lab) error { return l.locked("", "") }},
	{"locked, gone from the registry", func(l *lab) error {
		publish(l, l.at(), "", frontend("tool", "1.0.0"))
		lock := l.lock(l.at())
		l.oci.breaks(on("/manifests/", status(404)))
		return l.locked(lock, "")
	}},
	{"locked, gone from a folder", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		lock := l.lock(dir)
		ok(l, os.RemoveAll(dir))
		return l.locked(lock, "")
	}},
	{"locked, changed in an archive", func(l *lab) error {
		source := l.url("tool.tar.gz", string(pack(l, frontend("tool", "1.0.0").folder(l))))
		lock := l.lock(source)
		l.url("tool.tar.gz", string(pack(l, frontend("tool", "1.1.0").folder(l))))
		return l.locked(lock, "")
	}},
	{"locked, gone from its mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror")
		publish(l, to, "", frontend("tool", "1.0.0"))
		lock := l.lock(to)
		ok(l, os.RemoveAll(to))
		publish(l, to, "", frontend("tool", "1.1.0"))
		return l.locked(lock, "")
	}},
	{"locked, not in the mirror", func(l *lab) error {
		publish(l, l.at(), "", frontend("tool", "1.0.0"))
		lock := l.lock(l.at())
		to := filepath.Join(l.dir, "mirror")
		publish(l, to, "", frontend("other", "1.1.0"))
		return l.locked(lock, to)
	}},
	{"use of what is not locked", func(l *lab) error {
		publish(l, l.at(), "", frontend("tool", "1.0.0"))
		lock := l.lock(l.at())
		publish(l, l.at(), "", frontend("tool", "1.1.0"))
		m := manager(l, l.config)
		add(l, m, AddOptions{}, l.at())
		m.config.LockFile, m.config.Locked = lock, true
		return used(l, m)
	}},
	{"use of what is locked and not there", func(l *lab) error {
		publish(l, l.at(), "", frontend("tool", "1.0.0"))
		l.config.LockFile, l.config.Locked = l.lock(l.at()), true
		return used(l, manager(l, l.config))
	}},
	{"an archive that leads out", func(l *lab) error { return l.archive(tarOf(l, tar.Header{Name: "../../evil", Size: 1})) }},
	{"an archive with a link", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: "m.wasm", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}))
	}},
	{"an archive with one file twice", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: "a", Size: 1}, tar.Header{Name: "./a", Size: 1}))
	}},
	{"an archive with a file below a file", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: "a", Size: 1}, tar.Header{Name: "a/b", Size: 1}))
	}},
	{"an archive with too many files", func(l *lab) error {
		var entries []tar.Header
		for i := range 10_001 {
			entries = append(entries, tar.Header{Name: fmt.Sprintf("%d/", i%2), Typeflag: tar.TypeDir})
		}
		return l.archive(tarOf(l, entries...))
	}},
	{"an archive that is deep", func(l *lab) error {
		return l.archive(tarOf(l, tar.Header{Name: strings.Repeat("a/", 1000), Typeflag: tar.TypeDir}))
	}},
	{"an archive that is huge", func(l *lab) error {
		var b strings.Builder
		ok(l, tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 9 << 30}))
		return l.archive(b.String())
	}},
	{"a URL with a password", func(l *lab) error {
		return l.add(strings.Replace(l.web.URL, "https://", "https://me:hunter2@", 1) + "/tool.tar.gz?token=hunter2")
	}},
	{"no URL, with a password", func(l *lab) error { return l.add("ftp://me:hunter2@plugins.example/tool.tar.gz") }},
	{"update of what is not installed", func(l *lab) error {
		_, err := manager(l, l.config).PlanUpdate(l.Context(), "tool")
		return err
	}},
	{"rollback without a version before", func(l *lab) error {
		m := manager(l, l.config)
		add(l, m, AddOptions{}, frontend("tool", "1.0.0").folder(l))
		_, err := m.PlanRollback(l.Context(), "tool")
		return err
	}},
	{"remove of the bundle", func(l *lab) error {
		l.config.BundleDir = frontend("tool", "1.0.0").folder(l)
		_, err := manager(l, l.config).Remove(l.Context(), "tool")
		return err
	}},
	{"remove of what is not installed", func(l *lab) error {
		_, err := manager(l, l.config).Remove(l.Context(), "tool")
		return err
	}},
	{"info about nothing", func(l *lab) error {
		_, err := manager(l, l.config).Info(l.Context(), "tool")
		return err
	}},
	{"publish to a full folder", func(l *lab) error {
		write(l, filepath.Join(l.dir, "notes"), "")
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, l.dir, PublishOptions{})
		return err
	}},
	{"publish to a URL", func(l *lab) error {
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, l.web.URL, PublishOptions{})
		return err
	}},
	{"publish into a plugin's archive", func(l *lab) error {
		to := write(l, filepath.Join(l.dir, "tool.tar"), string(pack(l, frontend("tool", "1.0.0").folder(l))))
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, to, PublishOptions{})
		return err
	}},
	{"publish where nothing can be made", func(l *lab) error {
		to := filepath.Join(write(l, filepath.Join(l.dir, "file"), ""), "tool.tar")
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, to, PublishOptions{})
		return err
	}},
	{"publish of two plugins", func(l *lab) error {
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l), frontend("tool", "1.1.0").folder(l)}, l.at(), PublishOptions{})
		return err
	}},
	{"publish of half a plugin", func(l *lab) error {
		dir := backend("acme.example/tool", "1.0.0", store.Platform(), elsewhere).folder(l)
		ok(l, os.Remove(filepath.Join(dir, "other-cpu")))
		_, err := manager(l, l.config).Publish(l.Context(), []string{dir}, l.at(), PublishOptions{})
		return err
	}},
	{"publish with another key", func(l *lab) error {
		_, public := keyPair(l, "acme")
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, l.at(), PublishOptions{Key: public})
		return err
	}},
	{"mirror to a registry", func(l *lab) error {
		_, err := manager(l, l.config).Mirror(l.Context(), l.at(), frontend("tool", "1.0.0").folder(l))
		return err
	}},
	{"mirror of nothing", func(l *lab) error {
		_, err := manager(l, l.config).Mirror(l.Context(), filepath.Join(l.dir, "mirror"))
		return err
	}},
	{"mirror of a folder that changed", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		m := manager(l, l.config)
		add(l, m, AddOptions{}, dir)
		write(l, filepath.Join(dir, manifest.FileName), frontend("tool", "1.1.0").raw(l))
		_, err := m.Mirror(l.Context(), filepath.Join(l.dir, "mirror"))
		return err
	}},
}

// Each way in which a plugin is refused has a message that names the cause, and
// a way out.
func TestRefusals(t *testing.T) {
	var got []string
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			l := &lab{TB: t, oci: oci(t), web: files(t, dir), dir: dir}
			l.config.InsecureRegistries = []string{l.web.host}
			got = append(got, "-- "+r.name+" --\n"+l.plain(r.try(l)))
		})
	}
	file := filepath.Join("testdata", "refusals.txt")
	text := strings.Join(got, "\n")
	if *update {
		ok(t, os.WriteFile(file, []byte(text), 0o600))
	}
	want, err := os.ReadFile(file)
	ok(t, err)
	if diff := cmp.Diff(string(want), text); diff != "" && !testing.Short() {
		t.Errorf("go test -update writes it anew: %s", diff)
	}
}

var (
	digests  = regexp.MustCompile(`(sha256:|\b)[0-9a-f]{64}\b`)
	temp     = regexp.MustCompile(`/\S*/Test[^\s/]*/\d+`)
	incoming = regexp.MustCompile(`\.incoming`)
	loopback = regexp.MustCompile(`127\.0\.0\.1:\d+(->127\.0\.0\.1:\d+)?`)
)

// plain is an error as a user sees it, without what is another one each time.
func (l *lab) plain(err error) string {
	l.Helper()
	var (
		plugin *host.PluginError
		input  *host.InputError
		text   string
	)
	switch {
	case errors.As(err, &plugin):
		text = fmt.Sprintf("%s (%s)\nhelp: %s\n", plugin.Error(), cmpOr(string(plugin.Fault), "broken"), plugin.Help)
	case errors.As(err, &input):
		text = fmt.Sprintf("%s (input)\nhelp: %s\n", input.Error(), input.Help)
	default:
		l.Fatalf("%T: %v", err, err)
	}
	if strings.Contains(text, "hunter2") || incoming.MatchString(text) || strings.Contains(text, "help: \n") {
		l.Errorf("a secret, a folder that is gone, or no help: %s", text)
	}
	text = strings.ReplaceAll(text, l.oci.host, "registry.example")
	text = strings.ReplaceAll(text, l.web.host, "web.example")
	text = strings.ReplaceAll(text, store.Platform(), "this/machine")
	text = loopback.ReplaceAllString(text, "closed.example")
	text = temp.ReplaceAllString(text, "/tmp/folder")
	seen := map[string]string{}
	return digests.ReplaceAllStringFunc(text, func(d string) string {
		if seen[d] == "" {
			seen[d] = fmt.Sprintf("sha256:<%d>", len(seen)+1)
		}
		return seen[d]
	})
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// A newer minor of the protocol is a note.
func TestNewerMinor(t *testing.T) {
	m := manager(t, host.Config{})
	p := frontend("tool", "1.0.0").with(func(m *manifest.Manifest) { m.Protocol.Minor = 9 })
	c := add(t, m, AddOptions{}, p.folder(t))[0]
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "what is new in it is not used") {
		t.Errorf("notes %q", c.Notes)
	}
	if list := must(m.List()); list[0].Problem != "" {
		t.Error(list[0].Problem)
	}
}

// A password in a URL is used, and kept nowhere.
func TestURLWithPassword(t *testing.T) {
	dir := t.TempDir()
	web := files(t, dir)
	write(t, filepath.Join(dir, "tool.tar.gz"), string(pack(t, frontend("tool", "1.0.0").folder(t))))
	web.breaks(func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, _ := r.BasicAuth(); password != "hunter2" || r.URL.Query().Get("token") != "hunter3" {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	})
	m := manager(t, host.Config{InsecureRegistries: []string{web.host}})
	c := add(t, m, AddOptions{}, strings.Replace(web.URL, "https://", "https://me:hunter2@", 1)+"/tool.tar.gz?token=hunter3")[0]
	lock := filepath.Join(t.TempDir(), LockName)
	must(m.Lock(t.Context(), lock))
	if strings.Contains(fmt.Sprintf("%+v", *c), "hunter") {
		t.Errorf("%+v", *c)
	}
	for _, dir := range []string{m.config.DataDir, filepath.Dir(lock)} {
		for _, file := range tree(t, dir) {
			if data, err := os.ReadFile(filepath.Join(dir, file)); err != nil || strings.Contains(string(data), "hunter") {
				t.Errorf("%s: %v, %s", file, err, data)
			}
		}
	}
}

// However an install is interrupted, what was there stays, and nothing else is
// left.
func TestInterrupted(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/tool"
	publish(t, at, "", frontend("tool", "1.0.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, at)
	publish(t, at, "", frontend("tool", "2.0.0"))
	for point := 1; ; point++ {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		r.breaks(func(http.ResponseWriter, *http.Request) bool {
			if n++; n == point {
				cancel()
			}
			return false
		})
		p, err := m.PlanAdd(ctx, []string{at}, AddOptions{})
		if err == nil {
			err = p.Apply(ctx, nil)
			p.Close()
		}
		cancel()
		left := tree(t, filepath.Join(m.config.DataDir, "plugins", ".incoming"))
		if len(left) > 0 {
			t.Errorf("point %d: left behind %q", point, left)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || installed(t, m) != "tool 1.0.0" {
			t.Errorf("point %d: %v, installed %s", point, err, installed(t, m))
		}
	}
	if installed(t, m) != "tool 2.0.0" {
		t.Errorf("installed %s", installed(t, m))
	}
}
