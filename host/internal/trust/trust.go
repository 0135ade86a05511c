// SPDX-License-Identifier: Apache-2.0

// Package trust says who signed a release of a plugin, and whether that is
// enough to install it.
//
// Signatures are sigstore bundles, as cosign writes and reads them. Everything
// works offline: nothing is fetched, no log is asked.
package trust

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
	// path.Match. Keys are ECDSA (P-256, P-384), RSA or Ed25519.
	Keys []string
	// Identities are holders of short-lived certificates:
	// "issuer=URL,subject=NAME" or "issuer=URL,subject-regexp=REGEXP", where
	// the expression must fit the whole subject. They need a Root.
	Identities []string
	// Root is a file trusted_root.json: the certificate authorities, logs and
	// timestamp authorities behind Identities. May be empty without these.
	Root string
}

// Verifier checks signatures. It does not change and may be shared.
type Verifier struct {
	keys       []key
	identities *identities
}
