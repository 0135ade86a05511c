// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"net"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Normalize returns the full form of a reference by Docker's rule: "debian" is
// "docker.io/library/debian:latest", "r.example/a:1@sha256:…" is
// "r.example/a@sha256:…". The error is an *Error of KindReference.
func Normalize(reference string) (string, error) {
	ref, err := parse(reference)
	if err != nil {
		return "", err
	}
	return Full(ref), nil
}

// Full is the full form of a parsed reference, with Docker's registry spelled
// as people do.
func Full(ref name.Reference) string {
	if rest, ok := strings.CutPrefix(ref.Name(), name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return ref.Name()
}

// Parse parses a reference to a registry that may be asked. The error is an
// *Error of KindReference.
func (c *Client) Parse(reference string) (name.Reference, error) {
	ref, err := parse(reference)
	if err == nil && c.options.insecure(ref.Context().RegistryStr()) {
		return parse(reference, name.Insecure)
	}
	return ref, err
}

func parse(reference string, opts ...name.Option) (name.Reference, error) {
	ref, err := name.ParseReference(reference, opts...)
	if err != nil {
		return nil, &Error{
			Kind: KindReference, Reference: reference, Message: "this is not a reference",
			Help: `write it as "[registry[:port]/]name[:tag][@sha256:…]", the name in lower case`,
		}
	}
	if d, ok := ref.(name.Digest); ok {
		if _, err := ParseDigest(d.DigestStr()); err != nil {
			return nil, err
		}
	}
	return ref, nil
}

// ParseDigest parses a digest, "sha256:…"; content is named by SHA-256 only.
// The error is an *Error of KindReference.
func ParseDigest(s string) (v1.Hash, error) {
	h, err := v1.NewHash(s)
	if err == nil && h.Algorithm == "sha256" {
		return h, nil
	}
	return v1.Hash{}, &Error{
		Kind: KindReference, Reference: s, Message: "this is not a SHA-256 digest",
		Help: `write it as "sha256:" and 64 hexadecimal digits`, Err: err,
	}
}

// loopback says whether a registry is on this machine by its name alone.
func loopback(registry string) bool {
	host := hostOf(registry)
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func hostOf(registry string) string {
	if host, _, err := net.SplitHostPort(registry); err == nil {
		return host
	}
	return registry
}
