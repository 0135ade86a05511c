// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/zlayer/zlayer/host/internal/trust"
)

const (
	issuer   = "https://issuer.example"
	subject  = "release@acme.example"
	identity = "issuer=" + issuer + ",subject=" + subject
)

// authority is a certificate authority with a log and a clock.
type authority struct{ *ca.VirtualSigstore }

func newAuthority(t testing.TB) authority {
	t.Helper()
	v, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	return authority{v}
}

// parts chooses what a trusted root holds beside the authority.
type parts struct{ logs, stamps bool }

// file writes the trusted root.
func (a authority) file(t testing.TB, p parts) string {
	t.Helper()
	var logs map[string]*root.TransparencyLog
	var stamps []root.TimestampingAuthority
	if p.logs {
		logs = a.RekorLogs()
		for id, l := range logs {
			l.ID, _ = hex.DecodeString(id)
		}
	}
	if p.stamps {
		stamps = a.TimestampingAuthorities()
	}
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01, a.FulcioCertificateAuthorities(), nil, stamps, logs)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, t.TempDir(), "trusted_root.json", string(data))
}

// sign signs an OCI artifact in somebody's name.
func (a authority) sign(t testing.TB, digest, issuer, subject string, at time.Time) []byte {
	t.Helper()
	said := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`, digest[7:])
	e, err := a.AttestAtTime(subject, issuer, []byte(said), at, true)
	if err != nil {
		t.Fatal(err)
	}
	return a.bundleOf(t, e, "application/vnd.dev.sigstore.bundle.v0.3+json")
}

// signFile signs a file with a text, in the older form of a bundle.
func (a authority) signFile(t testing.TB, text, issuer, subject string) []byte {
	t.Helper()
	e, err := a.Sign(subject, issuer, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a.bundleOf(t, e, "application/vnd.dev.sigstore.bundle+json;version=0.1")
}

// bundleOf writes what the authority made as cosign would.
func (a authority) bundleOf(t testing.TB, e verify.SignedEntity, mediaType string) []byte {
	t.Helper()
	material, _ := e.VerificationContent()
	content, _ := e.SignatureContent()
	entries, _ := e.TlogEntries()
	stamps, _ := e.Timestamps()
	m := &protobundle.VerificationMaterial{
		Content:                   &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: material.Certificate().Raw}},
		TimestampVerificationData: new(protobundle.TimestampVerificationData),
	}
	for _, entry := range entries {
		m.TlogEntries = append(m.TlogEntries, a.promised(t, entry.TransparencyLogEntry()))
	}
	for _, stamp := range stamps {
		m.TimestampVerificationData.Rfc3161Timestamps = append(m.TimestampVerificationData.Rfc3161Timestamps, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: stamp})
	}
	b := &protobundle.Bundle{MediaType: mediaType, VerificationMaterial: m}
	if env := content.EnvelopeContent(); env != nil {
		said, _ := env.RawEnvelope().DecodeB64Payload()
		b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: said, PayloadType: env.RawEnvelope().PayloadType, Signatures: []*protodsse.Signature{{Sig: content.Signature()}},
		}}
	} else {
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: content.MessageSignatureContent().Digest()},
			Signature:     content.Signature(),
		}}
	}
	data, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestIdentity(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	all := ours.file(t, parts{logs: true, stamps: true})
	good := ours.sign(t, release, issuer, subject, time.Now())
	noStamps := edit(t, good, "signedTimestamp", "")
	for _, tt := range []struct {
		name       string
		root       string
		identities []string
		bundle     []byte
		problem    trust.Problem
		says       string
	}{
		{"by name", all, []string{identity}, good, 0, ""},
		{"by expression", all, []string{"issuer=" + issuer + ",subject-regexp=.*@acme\\.example"}, good, 0, ""},
		{"by the second name", all, []string{"issuer=" + issuer + ",subject=x", identity}, good, 0, ""},
		{"with a log only", ours.file(t, parts{logs: true}), []string{identity}, good, 0, ""},
		{"with a clock only", ours.file(t, parts{stamps: true}), []string{identity}, good, 0, ""},
		{"with neither, now", ours.file(t, parts{}), []string{identity}, good, 0, ""},
		{"a file", all, []string{identity}, ours.signFile(t, "release", issuer, subject), 0, ""},

		{"nobody is trusted", "", nil, good, trust.Untrusted, `"release@acme.example" (by "https://issuer.example"), which nothing here can confirm`},
		{"no identity is trusted", all, nil, good, trust.Untrusted, `"release@acme.example" (by "https://issuer.example")`},
		{"another subject", all, []string{"issuer=" + issuer + ",subject=other@acme.example"}, good, trust.Untrusted, subject},
		{"another issuer", all, []string{"issuer=https://other.example,subject=" + subject}, good, trust.Untrusted, issuer},
		{"half an expression", all, []string{"issuer=" + issuer + ",subject-regexp=@acme\\.example"}, good, trust.Untrusted, subject},
		{"another authority", theirs.file(t, parts{logs: true, stamps: true}), []string{identity}, good, trust.Untrusted, "trusted-root does not confirm"},
		{"another log", theirs.file(t, parts{logs: true}), []string{identity}, good, trust.Untrusted, "log"},
		{"logged after the certificate's time", all, []string{identity}, ours.sign(t, release, issuer, subject, time.Now().Add(24*time.Hour)), trust.Untrusted, "trusted-root does not confirm"},
		{"no timestamp where one must be", ours.file(t, parts{stamps: true}), []string{identity}, noStamps, trust.Untrusted, "timestamp"},

		{"another release", all, []string{identity}, ours.sign(t, other, issuer, subject, time.Now()), trust.Wrong, other},
		{"a changed signature", all, []string{identity}, spoil(t, good, "sig"), trust.Wrong, "whose certificate did not make it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := open(t, trust.Config{Identities: tt.identities, Root: tt.root}).Verify(plugin, release, [][]byte{tt.bundle})
			if tt.problem == 0 {
				if want := (trust.Signature{Subject: subject, Issuer: issuer}); err != nil || got != want {
					t.Errorf("%v, %v", got, err)
				}
				return
			}
			var e *trust.Error
			if !errors.As(err, &e) || e.Problem != tt.problem || !strings.Contains(e.Error(), tt.says) || e.Nobody != (tt.identities == nil) {
				t.Errorf("%v, %v\nwant %d %s", got, err, tt.problem, tt.says)
			}
		})
	}
}

// A key's signature needs no log; but what a known log says of it must be so.
func TestLogOfAKey(t *testing.T) {
	k, ours, theirs := p256(t, "k.pem"), newAuthority(t), newAuthority(t)
	v := open(t, trust.Config{Keys: []string{k.public}, Root: ours.file(t, parts{logs: true})})
	plain := k.detached(t, release)
	old := edit(t, plain, "mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1")
	for _, tt := range []struct {
		name   string
		bundle []byte
		good   bool
	}{
		{"none", plain, true},
		{"right", logged(t, old, ours.entry(t, k, plain)), true},
		{"of a log that is not known", logged(t, old, theirs.entry(t, k, plain)), true},
		{"of another signature", logged(t, old, ours.entry(t, k, k.detached(t, release))), false},
		{"not signed by the log", logged(t, old, forge(ours.entry(t, k, plain))), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := v.Verify(plugin, release, [][]byte{tt.bundle})
			var e *trust.Error
			if wrong := errors.As(err, &e) && e.Problem == trust.Wrong && strings.Contains(err.Error(), "transparency log"); wrong == tt.good || tt.good != (err == nil) {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
}

// entry is what a log would say of a signature over a file.
func (a authority) entry(t testing.TB, k pair, bundle []byte) *protorekor.TransparencyLogEntry {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":%q}},"signature":{"content":%q,"publicKey":{"content":%q}}}}`,
		release[7:], value(t, bundle, "signature"), base64.StdEncoding.EncodeToString([]byte(pemOf("PUBLIC KEY", der))))
	id, err := a.RekorLogID()
	if err != nil {
		t.Fatal(err)
	}
	rawID, _ := hex.DecodeString(id)
	return a.promised(t, &protorekor.TransparencyLogEntry{
		LogIndex: 7, LogId: &protocommon.LogId{KeyId: rawID}, IntegratedTime: time.Now().Unix(), CanonicalizedBody: []byte(body),
	})
}

// promised adds what the log signs of an entry, and its kind.
func (a authority) promised(t testing.TB, e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	t.Helper()
	var body struct{ Kind, APIVersion string }
	if err := json.Unmarshal(e.GetCanonicalizedBody(), &body); err != nil {
		t.Fatal(err)
	}
	promise, err := a.RekorSignPayload(tlog.RekorPayload{
		Body:           base64.StdEncoding.EncodeToString(e.GetCanonicalizedBody()),
		IntegratedTime: e.GetIntegratedTime(), LogIndex: e.GetLogIndex(), LogID: hex.EncodeToString(e.GetLogId().GetKeyId()),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: body.Kind, Version: body.APIVersion}
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return e
}

// logged adds an entry to a bundle.
func logged(t testing.TB, bundle []byte, e *protorekor.TransparencyLogEntry) []byte {
	t.Helper()
	var b protobundle.Bundle
	if err := protojson.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, e)
	data, err := protojson.Marshal(&b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// forge claims another time than the log signed.
func forge(e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	e.IntegratedTime++
	return e
}
