// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// byPolicy are refusals of a good plugin that must not be installed.
var byPolicy = []refusal{
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
}

// second adds one plugin, and then says why another one is not added.
func (l *lab) second(o AddOptions, first, source string) error {
	l.Helper()
	m := manager(l, l.config)
	add(l, m, AddOptions{}, first)
	return try(l, m, o, source)
}

// signed demands signatures by a key.
func (l *lab) signed(public string) {
	l.config.Signatures = host.Signatures{Policy: "require", Keys: []string{public}}
}
