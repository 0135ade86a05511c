// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/zlayer/zlayer/host/internal/trust"
)

const plugin = "acme.example/oven"

func TestEveryKindOfKeySigns(t *testing.T) {
	for _, k := range []pair{p256(t, "p256.pem"), p384(t, "p384.pem"), rsa2048(t, "rsa.pem"), edwards(t, "ed25519.pem")} {
		name := filepath.Base(k.public)
		t.Run(name, func(t *testing.T) {
			v := open(t, trust.Config{Keys: []string{k.public}})
			want := k.signer(t).Signature(name)
			if got, err := v.Verify(plugin, release, [][]byte{k.sign(t, release)}); err != nil || got != want {
				t.Errorf("an artifact: %v, %v", got, err)
			}
			b, err := k.signer(t).Detached(release)
			if _, ok := k.private.(ed25519.PrivateKey); ok {
				if err == nil || !strings.Contains(err.Error(), "Ed25519") {
					t.Fatalf("a file: %v", err)
				}
				return
			}
			if got, err := v.Verify(plugin, release, [][]byte{b}); err != nil || got != want {
				t.Errorf("a file: %v, %v", got, err)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	mine, theirs, ed := p256(t, "mine.pem"), p256(t, "theirs.pem"), edwards(t, "ed.pem")
	trusted := []string{mine.public}
	unnamed := edit(t, mine.sign(t, release), "hint", "")
	for _, tt := range []struct {
		name    string
		keys    []string
		bundles [][]byte
		// problem is 0 for a signature by mine.
		problem trust.Problem
		says    string
	}{
		{"signed", trusted, [][]byte{mine.sign(t, release)}, 0, ""},
		{"signed as a file", trusted, [][]byte{mine.detached(t, release)}, 0, ""},
		{"the key is not named", trusted, [][]byte{unnamed}, 0, ""},
		{"somebody else is named", trusted, [][]byte{edit(t, mine.sign(t, release), "hint", "x")}, 0, ""},
		{"the second bundle is good", trusted, [][]byte{[]byte("{"), theirs.sign(t, release), mine.sign(t, release)}, 0, ""},
		{"the second key is it", []string{theirs.public, mine.public}, [][]byte{mine.sign(t, release)}, 0, ""},
		{"the key may sign this plugin", []string{"acme.example/*=" + mine.public}, [][]byte{mine.sign(t, release)}, 0, ""},
		{"the key may by its second pattern", []string{"x=" + mine.public, plugin + "=" + mine.public}, [][]byte{mine.sign(t, release)}, 0, ""},
		{"the key may sign any plugin", []string{"=" + mine.public}, [][]byte{mine.sign(t, release)}, 0, ""},

		{"no bundle", trusted, nil, trust.Unsigned, "not signed"},
		{"a statement that is no signature", trusted, [][]byte{statement(t, mine, "https://slsa.dev/provenance/v1")}, trust.Unsigned, `"https://slsa.dev/provenance/v1" is no signature`},

		{"another key", trusted, [][]byte{theirs.sign(t, release)}, trust.Untrusted, theirs.signer(t).Signature("").Fingerprint},
		{"another key, for a file", trusted, [][]byte{theirs.detached(t, release)}, trust.Untrusted, theirs.signer(t).Signature("").Fingerprint},
		{"a key without a name", trusted, [][]byte{edit(t, theirs.sign(t, release), "hint", "")}, trust.Untrusted, "a key that it does not name"},
		{"a key with a rude name", trusted, [][]byte{edit(t, theirs.sign(t, release), "hint", "\x1b[2J")}, trust.Untrusted, `\x1b[2J`},
		{"nobody is trusted", nil, [][]byte{mine.sign(t, release)}, trust.Untrusted, mine.signer(t).Signature("").Fingerprint},
		{"the key may sign others only", []string{"acme.example/pan=" + mine.public}, [][]byte{mine.sign(t, release)}, trust.Untrusted, "key mine.pem (sha256:"},
		{"a pattern ends at a slash", []string{"acme*=" + mine.public}, [][]byte{mine.sign(t, release)}, trust.Untrusted, "is trusted for acme* only, and this is " + plugin},
		{"a stranger counts more than rubbish", trusted, [][]byte{[]byte("{"), theirs.sign(t, release)}, trust.Untrusted, theirs.signer(t).Signature("").Fingerprint},

		{"another release", trusted, [][]byte{mine.sign(t, other)}, trust.Wrong, "it covers \"" + other},
		{"another file", trusted, [][]byte{mine.detached(t, other)}, trust.Wrong, "it covers \"" + other},
		{"a changed signature", trusted, [][]byte{spoil(t, mine.sign(t, release), "sig")}, trust.Wrong, "names key mine.pem"},
		{"a changed signature of a file", trusted, [][]byte{spoil(t, mine.detached(t, release), "signature")}, trust.Wrong, "names key mine.pem"},
		{"a changed statement", trusted, [][]byte{edit(t, mine.sign(t, other), "payload", payload(t, mine.sign(t, release)))}, trust.Wrong, "names key mine.pem"},
		{"a changed digest", trusted, [][]byte{edit(t, mine.detached(t, other), "digest", base64Of(t, release))}, trust.Wrong, "names key mine.pem"},
		{"another's signature in my name", trusted, [][]byte{edit(t, theirs.sign(t, release), "hint", value(t, mine.sign(t, release), "hint"))}, trust.Wrong, "names key mine.pem"},
		{"SHA-512", trusted, [][]byte{edit(t, mine.detached(t, release), "algorithm", "SHA2_512")}, trust.Wrong, "SHA2_512"},
		{"rubbish", trusted, [][]byte{[]byte("hello")}, trust.Wrong, "no sigstore bundle"},
		{"nothing in it", trusted, [][]byte{[]byte("{}"), nil}, trust.Wrong, "no sigstore bundle"},
		{"an Ed25519 signature over nothing at all", []string{ed.public}, [][]byte{overNothing(t, ed, mine.detached(t, release))}, trust.Wrong, "names key ed.pem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := open(t, trust.Config{Keys: tt.keys}).Verify(plugin, release, tt.bundles)
			if tt.problem == 0 {
				if want := mine.signer(t).Signature("mine.pem"); err != nil || got != want {
					t.Fatalf("%v, %v", got, err)
				}
				return
			}
			var e *trust.Error
			if !errors.As(err, &e) || got != (trust.Signature{}) {
				t.Fatalf("%v, %v", got, err)
			}
			if e.Problem != tt.problem || !strings.Contains(e.Error(), tt.says) || e.Nobody != (tt.keys == nil) || e.Digest != release {
				t.Errorf("%d (of nobody: %v, of %s) %v\nwant %d %s", e.Problem, e.Nobody, e.Digest, e, tt.problem, tt.says)
			}
		})
	}
}

func TestDigestMustBeOne(t *testing.T) {
	k := p256(t, "k.pem")
	v, s := open(t, trust.Config{Keys: []string{k.public}}), k.signer(t)
	for _, bad := range []string{"", "sha256:", release[7:], "sha512:" + release[7:], release + "00", strings.ToUpper(release), "sha256:" + strings.ToUpper(release[7:]), "sha256:" + strings.Repeat("g", 64)} {
		_, signErr := s.Sign(bad)
		_, fileErr := s.Detached(bad)
		_, verifyErr := v.Verify(plugin, bad, [][]byte{k.sign(t, release)})
		for _, err := range []error{signErr, fileErr, verifyErr} {
			if err == nil || !strings.Contains(err.Error(), "is no digest") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
}

// A registry may hold any number of bundles that anybody attached.
func TestErrorsStayShort(t *testing.T) {
	var bundles [][]byte
	theirs := p256(t, "theirs.pem").sign(t, release)
	for i := range 1000 {
		bundles = append(bundles, edit(t, theirs, "hint", fmt.Sprint(i, strings.Repeat("x", 500))), theirs)
	}
	_, err := open(t, trust.Config{}).Verify(plugin, release, bundles)
	if len(err.Error()) > 2000 || !strings.HasSuffix(err.Error(), "and 996 more") {
		t.Errorf("%d bytes: %v", len(err.Error()), err)
	}
}

// The bundles in testdata/cosign were made by cosign 3.1.3: "cosign sign" of an
// image, and "cosign sign-blob" of a file with the text "hello".
func TestWhatCosignSigned(t *testing.T) {
	const image = "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4"
	for _, tt := range []struct{ bundle, digest, says string }{
		{"p256.sign", image, ""},
		{"p384.sign", image, ""},
		{"rsa.sign", image, ""},
		{"ed25519.sign", image, ""},
		{"p256.sign-blob", digestOf("hello\n"), ""},
		{"rsa.sign-blob", digestOf("hello\n"), ""},
		// These sign another digest, of which nothing is known here.
		{"p384.sign-blob", digestOf("hello\n"), "SHA2_384"},
		{"ed25519.sign-blob", digestOf("hello\n"), "UNSPECIFIED"},
		{"p256.sign", digestOf("hello\n"), "it covers"},
	} {
		t.Run(tt.bundle, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata/cosign", tt.bundle+".json"))
			if err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(tt.bundle, ".")
			v := open(t, trust.Config{Keys: []string{"testdata/cosign/" + name + ".pub"}})
			s, err := v.Verify(plugin, tt.digest, [][]byte{b})
			if tt.says == "" && (err != nil || s.Key != name+".pub") {
				t.Errorf("%v, %v", s, err)
			}
			if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
}

// value finds the text of a field in a bundle, wherever it is.
func value(t testing.TB, bundle []byte, field string) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(compact(t, bundle)), `"`+field+`":"`)
	text, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no %s in %s", field, bundle)
	}
	return text
}

// edit replaces the text of a field.
func edit(t testing.TB, bundle []byte, field, text string) []byte {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	old := fmt.Sprintf("%q:%q", field, value(t, bundle, field))
	return []byte(strings.Replace(string(compact(t, bundle)), old, fmt.Sprintf("%q:%s", field, quoted), 1))
}

// compact removes spaces, which the writer puts in at random.
func compact(t testing.TB, bundle []byte) []byte {
	t.Helper()
	var raw any
	if err := json.Unmarshal(bundle, &raw); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// spoil changes one bit of a signature.
func spoil(t testing.TB, bundle []byte, field string) []byte {
	t.Helper()
	sig, err := base64.StdEncoding.DecodeString(value(t, bundle, field))
	if err != nil {
		t.Fatal(err)
	}
	sig[len(sig)-1] ^= 1
	return edit(t, bundle, field, base64.StdEncoding.EncodeToString(sig))
}

func payload(t testing.TB, bundle []byte) string { return value(t, bundle, "payload") }

func base64Of(t testing.TB, digest string) string {
	t.Helper()
	sum, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sum)
}

// statement signs something else that is said of the release.
func statement(t testing.TB, k pair, predicate string) []byte {
	t.Helper()
	b := k.sign(t, release)
	text, err := base64.StdEncoding.DecodeString(payload(t, b))
	if err != nil {
		t.Fatal(err)
	}
	said := []byte(strings.Replace(string(text), "https://sigstore.dev/cosign/sign/v1", predicate, 1))
	sum := digestOf(string(dsse.PAE("application/vnd.in-toto+json", said)))
	raw, _ := hex.DecodeString(sum[7:])
	sig, err := k.private.Sign(nil, raw, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	b = edit(t, b, "payload", base64.StdEncoding.EncodeToString(said))
	return edit(t, b, "sig", base64.StdEncoding.EncodeToString(sig))
}

// overNothing puts an Ed25519 signature of the empty message into a bundle
// about a release. A verifier that hands on no message takes it for any.
func overNothing(t testing.TB, k pair, bundle []byte) []byte {
	t.Helper()
	sig, err := k.private.Sign(nil, nil, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	b := edit(t, bundle, "signature", base64.StdEncoding.EncodeToString(sig))
	return edit(t, b, "hint", value(t, k.sign(t, release), "hint"))
}
