// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zlayer/zlayer/host/internal/trust"
)

// Bundles come from wherever a plugin does. Whatever they hold, there is an
// answer, and it is yes for no digest that nobody signed.
func FuzzVerify(f *testing.F) {
	k, a := p256(f, "k.pem"), newAuthority(f)
	f.Add(k.sign(f, other))
	f.Add(k.detached(f, other))
	f.Add(a.sign(f, other, issuer, subject, time.Now()))
	f.Add(a.signFile(f, "other", issuer, subject))
	files, err := filepath.Glob("testdata/cosign/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	v := open(f, trust.Config{Keys: []string{k.public}, Identities: []string{identity}, Root: a.file(f, parts{logs: true, stamps: true})})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := v.Verify(plugin, release, [][]byte{data})
		var e *trust.Error
		if !errors.As(err, &e) || e.Problem == 0 || e.Error() == "" {
			t.Errorf("%v", err)
		}
	})
}

// The same for what lies in a bundle as base64, which chance never gets right.
func FuzzParts(f *testing.F) {
	a := newAuthority(f)
	bundle := a.sign(f, release, issuer, subject, time.Now())
	fields := []string{"payload", "sig", "rawBytes", "canonicalizedBody", "signedEntryTimestamp", "rootHash", "keyId", "signedTimestamp"}
	for i, field := range fields {
		data, err := base64.StdEncoding.DecodeString(value(f, bundle, field))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	v := open(f, trust.Config{Identities: []string{identity}, Root: a.file(f, parts{logs: true, stamps: true})})
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		field := fields[int(i)%len(fields)]
		changed := edit(t, bundle, field, base64.StdEncoding.EncodeToString(data))
		s, err := v.Verify(plugin, release, [][]byte{changed})
		var e *trust.Error
		if wrong := errors.As(err, &e); !wrong && (err != nil || s.Subject != subject) {
			t.Errorf("%v, %v", s, err)
		}
	})
}
