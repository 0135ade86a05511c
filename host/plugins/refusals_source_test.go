// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// atSources are refusals on the way to a plugin.
var atSources = []refusal{
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
	{"a URL with a password", func(l *lab) error {
		return l.add(strings.Replace(l.web.URL, "https://", "https://me:hunter2@", 1) + "/tool.tar.gz?token=hunter2")
	}},
	{"no URL, with a password", func(l *lab) error { return l.add("ftp://me:hunter2@plugins.example/tool.tar.gz") }},
}

// broken is add through a registry with a fault.
func (l *lab) broken(path string, f http.HandlerFunc) error {
	l.Helper()
	publish(l, l.at(), "", frontend("tool", "1.0.0"))
	l.oci.breaks(on(path, f))
	return l.add(l.at())
}

func closed(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
