// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// ofInstalled are refusals to use what is installed, or what a lock file says.
var ofInstalled = []refusal{
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
}

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
