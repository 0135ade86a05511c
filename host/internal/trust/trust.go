// SPDX-License-Identifier: Apache-2.0

// Package trust says who signed a release of a plugin, and whether that is
// enough to install it.
//
// Signatures are sigstore bundles, as cosign writes and reads them. Everything
// works offline: nothing is fetched, no log is asked.
package trust

import (
	"fmt"
	"os"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// The settings that messages name.
const (
	// SettingPolicy is the setting whose value is a Policy.
	SettingPolicy = "signatures"
	// SettingKeys lists public keys; see Config.Keys.
	SettingKeys = "trusted-key"
	// SettingIdentities lists identities; see Config.Identities.
	SettingIdentities = "trusted-identity"
	// SettingRoot names the file of the trusted root; see Config.Root.
	SettingRoot = "trusted-root"
)

// Config is who is trusted, as the settings say it. The zero value trusts
// nobody.
type Config struct {
	// Keys are files of public keys in PEM: "/keys/me.pem" for any plugin, or
	// "example.com/*=/keys/them.pem" for plugins whose id fits a pattern of
	// path.Match. Keys are ECDSA (P-256, P-384), RSA or Ed25519. A file with
	// "=" in its name is given as "=/keys/a=b.pem".
	Keys []string
	// Identities are holders of short-lived certificates:
	// "issuer=URL,subject=NAME" or "issuer=URL,subject-regexp=REGEXP", where
	// the expression must fit the whole subject. They need a Root.
	Identities []string
	// Root is a file trusted_root.json: the certificate authorities, logs and
	// timestamp authorities behind Identities. Without these it may be empty.
	Root string
}

// Verifier checks signatures. It does not change and may be shared.
type Verifier struct {
	keys       []key
	identities verify.CertificateIdentities
	// root is nil when the settings name none.
	root *root.TrustedRoot
	// certificates checks what root vouches for; nil without root.
	certificates *verify.Verifier
}

// Open reads the files that the settings name. An error names the setting and
// the file.
func Open(c Config) (*Verifier, error) {
	v := new(Verifier)
	for _, value := range c.Keys {
		k, err := openKey(value)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", SettingKeys, err)
		}
		v.keys = append(v.keys, k)
	}
	for _, value := range c.Identities {
		i, err := parseIdentity(value)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", SettingIdentities, err)
		}
		v.identities = append(v.identities, i)
	}
	if c.Root == "" {
		if len(v.identities) > 0 {
			return nil, fmt.Errorf("setting %s needs the setting %s too: the file trusted_root.json of who issues the certificates", SettingIdentities, SettingRoot)
		}
		return v, nil
	}
	if err := v.openRoot(c.Root); err != nil {
		return nil, fmt.Errorf("setting %s: %w", SettingRoot, err)
	}
	return v, nil
}

// openRoot reads the trusted root.
func (v *Verifier) openRoot(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the trusted root: %w", err)
	}
	if v.root, err = root.NewTrustedRootFromJSON(data); err != nil {
		return fmt.Errorf("%s is no trusted root: %w", file, err)
	}
	if v.certificates, err = verify.NewVerifier(v.root, demands(v.root)...); err != nil {
		return fmt.Errorf("%s cannot be used: %w", file, err)
	}
	return nil
}

// nobody reports whether no signature can ever be accepted.
func (v *Verifier) nobody() bool { return len(v.keys)+len(v.identities) == 0 }
