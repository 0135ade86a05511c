// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/host/internal/trust"
)

func TestParsePolicy(t *testing.T) {
	for _, good := range []trust.Policy{trust.Off, trust.Warn, trust.Require} {
		if p, err := trust.ParsePolicy(string(good)); p != good || err != nil {
			t.Errorf("%s: %q, %v", good, p, err)
		}
	}
	for _, bad := range []string{"", "OFF", "no", "require "} {
		if p, err := trust.ParsePolicy(bad); err == nil || p != "" || !strings.Contains(err.Error(), "setting signatures") || !strings.Contains(err.Error(), "off, warn or require") {
			t.Errorf("%q: %q, %v", bad, p, err)
		}
	}
}

func TestDecide(t *testing.T) {
	signed := trust.Signature{Key: "k.pem", Fingerprint: "sha256:00"}
	unsigned := &trust.Error{Problem: trust.Unsigned}
	stranger := &trust.Error{Problem: trust.Untrusted, Reasons: []string{"the key sha256:11"}}
	nobody := &trust.Error{Problem: trust.Untrusted, Reasons: []string{"the key sha256:11"}, Nobody: true}
	wrong := &trust.Error{Problem: trust.Wrong, Reasons: []string{"it covers sha256:22"}, Nobody: true}
	const accept, caution, refuse = trust.Accept, trust.Caution, trust.Refuse
	for _, tt := range []struct {
		name        string
		signature   trust.Signature
		err         error
		development bool
		off         trust.Verdict
		warn        trust.Verdict
		require     trust.Verdict
		message     string
		help        string
	}{
		{"signed", signed, nil, false, accept, accept, accept, "signed by key k.pem (sha256:00)", ""},
		{"unsigned", trust.Signature{}, unsigned, false, accept, caution, refuse, "it is not signed", "ask its publisher"},
		{"a stranger", trust.Signature{}, stranger, false, accept, caution, refuse, "sha256:11", "trusted-key"},
		{"nobody is trusted", trust.Signature{}, nobody, false, accept, caution, refuse, "sha256:11", "trusted-key to the file of its publisher's public key, or trusted-identity and trusted-root"},
		{"nobody is trusted, unsigned", trust.Signature{}, &trust.Error{Problem: trust.Unsigned, Nobody: true}, false, accept, caution, refuse, "it is not signed", ""},
		{"wrong", trust.Signature{}, wrong, false, accept, caution, refuse, "sha256:22", "do not use it"},
		{"another error", trust.Signature{}, errors.New("boom"), false, accept, caution, refuse, "boom", "publisher"},
		{"neither", trust.Signature{}, nil, false, accept, caution, refuse, "it is not signed", "publisher"},
		{"development", trust.Signature{}, unsigned, true, accept, accept, accept, "development install", ""},
	} {
		for policy, verdict := range map[trust.Policy]trust.Verdict{trust.Off: tt.off, trust.Warn: tt.warn, trust.Require: tt.require, "": tt.require} {
			d := trust.Decide(policy, tt.signature, tt.err, tt.development)
			message, help := tt.message, tt.help
			if policy == trust.Off && !tt.development {
				message, help = "not checked", ""
			}
			if d.Verdict != verdict || !strings.Contains(d.Message, message) || !strings.Contains(d.Help, help) || (d.Help == "") != (verdict == accept) {
				t.Errorf("%s, policy %q: %+v, want %d %q %q", tt.name, policy, d, verdict, message, help)
			}
		}
	}
}

// Records of installed plugins keep it.
func TestSignatureInJSON(t *testing.T) {
	for _, tt := range []struct {
		signature  trust.Signature
		json, text string
	}{
		{trust.Signature{Key: "k.pem", Fingerprint: "sha256:00"}, `{"key":"k.pem","fingerprint":"sha256:00"}`, "key k.pem (sha256:00)"},
		{trust.Signature{Subject: "me@x.example", Issuer: "https://i.example"}, `{"subject":"me@x.example","issuer":"https://i.example"}`, "me@x.example (by https://i.example)"},
		{trust.Signature{}, `{}`, ""},
	} {
		text, err := json.Marshal(tt.signature)
		var back trust.Signature
		if err != nil || string(text) != tt.json || json.Unmarshal(text, &back) != nil || back != tt.signature || back.String() != tt.text {
			t.Errorf("%s, %v, %v, %q", text, err, back, back.String())
		}
	}
}

// Whoever requires signatures and says of nobody's must learn what to set; who
// is only warned cannot make a signature appear by trusting somebody.
func TestHelpWhenNobodyIsTrusted(t *testing.T) {
	err := &trust.Error{Problem: trust.Unsigned, Nobody: true}
	if d := trust.Decide(trust.Require, trust.Signature{}, err, false); !strings.Contains(d.Help, "trusted-key") || !strings.Contains(d.Help, "trusted-root") {
		t.Errorf("%+v", d)
	}
	if d := trust.Decide(trust.Warn, trust.Signature{}, err, false); strings.Contains(d.Help, "trusted") || strings.Contains(d.Help, "warn") {
		t.Errorf("%+v", d)
	}
}
