// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/store"
)

// sealed is the ways in which a plugin comes with a signature of a key, or
// without one where the key is "".
func sealed(t *testing.T, key string) map[string]string {
	r := oci(t)
	dir := t.TempDir()
	publish(t, r.host+"/acme/tool", key, frontend("tool", "1.0.0"))
	publish(t, filepath.Join(dir, "mirror"), key, frontend("tool", "1.0.0"))
	publish(t, filepath.Join(dir, "mirror.tar"), key, frontend("tool", "1.0.0"))
	ways := map[string]string{
		"registry": r.host + "/acme/tool", "mirror": filepath.Join(dir, "mirror"), "archive of a mirror": filepath.Join(dir, "mirror.tar"),
		"archive": write(t, filepath.Join(dir, "tool.tar.gz"), string(pack(t, frontend("tool", "1.0.0").folder(t)))),
	}
	if key != "" {
		detached(t, key, ways["archive"])
	}
	return ways
}

func TestSignatures(t *testing.T) {
	secret, public := keyPair(t, "acme")
	signed, unsigned := sealed(t, secret), sealed(t, "")
	for _, c := range []struct {
		name, policy, keys string
		sources            map[string]string
		refused            string // what the error says; "" for none
		note               string // what a note says; "" for none
		signature          string
	}{
		{"off", "off", "", unsigned, "", "", Unchecked},
		{"not set", "", "", unsigned, "", "", Unchecked},
		{"warn", "warn", public, unsigned, "", "it is not signed", "it is not signed"},
		{"warn, signed", "warn", public, signed, "", "", "it is signed by key acme.pem"},
		{"warn, nobody trusted", "warn", "", signed, "", "by nobody who is trusted", "it is signed, but by nobody"},
		{"require", "require", public, unsigned, "it is not signed", "", ""},
		{"require, signed", "require", public, signed, "", "", "it is signed by key acme.pem"},
		{"require, for its id", "require", "to*=" + public, signed, "", "", "it is signed by key acme.pem"},
		{"require, for another id", "require", "acme.example/*=" + public, signed, "trusted for acme.example/* only", "", ""},
	} {
		for way, source := range c.sources {
			config := host.Config{Signatures: host.Signatures{Policy: c.policy}}
			if c.keys != "" {
				config.Signatures.Keys = []string{c.keys}
			}
			m := manager(t, config)
			p, err := m.PlanAdd(t.Context(), []string{source}, AddOptions{})
			if c.refused != "" {
				var refused *host.PluginError
				if !errors.As(err, &refused) || refused.Fault != host.Refused || !strings.Contains(refused.Message, c.refused) {
					t.Errorf("%s, %s: %v", c.name, way, err)
				}
				continue
			}
			change := applied(t, p, err)[0]
			if !strings.HasPrefix(change.Signature, c.signature) || !strings.Contains(strings.Join(change.Notes, " "), c.note) || c.note == "" && len(change.Notes) > 0 {
				t.Errorf("%s, %s: %+v", c.name, way, change)
			}
			if got := must(m.List())[0]; got.Problem != "" || got.Signed != strings.HasPrefix(c.signature, "it is signed by") {
				t.Errorf("%s, %s: %+v", c.name, way, got)
			}
		}
	}
}

// What was installed without a signature is not used where one is demanded
// later, except of folders; a signature that comes later is taken up.
func TestSignatureDemandedAtLoad(t *testing.T) {
	secret, public := keyPair(t, "acme")
	r := oci(t)
	at := r.host + "/acme/tool"
	publish(t, at, "", frontend("tool", "1.0.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, at, frontend("mine", "1.0.0").folder(t))
	m.config.Signatures = host.Signatures{Policy: "require", Keys: []string{public}}
	check := func(file string) error {
		h, err := host.Open(m.config)
		ok(t, err)
		defer h.Close()
		_, err = h.Check(t.Context(), host.Source{Name: file})
		return err
	}
	var refused *host.PluginError
	if err := check("toolfile"); !errors.As(err, &refused) || refused.Fault != host.Refused || refused.ID != "tool" {
		t.Errorf("unsigned: %v", err)
	}
	// These frontends never answer, but they were run.
	if err := check("minefile"); !errors.As(err, &refused) || refused.Fault == host.Refused {
		t.Errorf("development: %v", err)
	}
	publish(t, at, secret, frontend("tool", "1.0.0"))
	strict := manager(t, m.config)
	if c := add(t, strict, AddOptions{}, at)[0]; c.Action != Nothing || c.Asks {
		t.Errorf("%+v", c)
	}
	if err := check("toolfile"); !errors.As(err, &refused) || refused.Fault == host.Refused {
		t.Errorf("signed later: %v", err)
	}
}

// A signature over another release that lies in a record does not count.
func TestSignatureOfAnotherRelease(t *testing.T) {
	secret, public := keyPair(t, "acme")
	r := oci(t)
	publish(t, r.host+"/acme/good", secret, frontend("good", "1.0.0"))
	publish(t, r.host+"/acme/evil", "", frontend("evil", "1.0.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, r.host+"/acme/good", r.host+"/acme/evil")
	good, evil := must(m.shelf.Current("good")), must(m.shelf.Current("evil"))
	p := store.Parcel{Manifest: evil.Manifest, Digest: evil.Digest, Record: *good.Record}
	staged, err := m.shelf.Stage(t.Context(), p)
	ok(t, err)
	ok(t, staged.Put(t.Context(), true))
	m = manager(t, host.Config{DataDir: m.config.DataDir, Signatures: host.Signatures{Policy: "require", Keys: []string{public}}})
	for _, p := range must(m.List()) {
		if (p.Problem == "") != (p.ID == "good") || p.Signed != (p.ID == "good") {
			t.Errorf("%+v", p)
		}
	}
}
