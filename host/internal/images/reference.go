// SPDX-License-Identifier: Apache-2.0

package images

import (
	"net"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Normalize returns the full form of a reference by Docker's rule: "debian" is
// "docker.io/library/debian:latest", "r.example/a:1@sha256:…" is
// "r.example/a@sha256:…".
func Normalize(reference string) (string, error) {
	ref, err := parseReference(reference)
	if err != nil {
		return "", err
	}
	return normal(ref), nil
}

func parseReference(reference string, opts ...name.Option) (name.Reference, error) {
	ref, err := name.ParseReference(reference, opts...)
	if err != nil {
		return nil, &Error{
			Kind: KindReference, Reference: reference, Message: "this is not an image reference",
			Help: `write it as "[registry[:port]/]name[:tag][@sha256:…]", the name in lower case`, Err: err,
		}
	}
	if d, ok := ref.(name.Digest); ok {
		if _, err := parseDigest(d.DigestStr()); err != nil {
			return nil, err
		}
	}
	return ref, nil
}

// normal spells Docker's registry as people do.
func normal(ref name.Reference) string {
	if rest, ok := strings.CutPrefix(ref.Name(), name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return ref.Name()
}

// parseRemote parses a reference to a registry that is about to be asked.
func (s *Store) parseRemote(reference string) (name.Reference, error) {
	ref, err := parseReference(reference)
	if err != nil {
		return nil, err
	}
	if s.insecure(ref.Context().RegistryStr()) {
		return parseReference(reference, name.Insecure)
	}
	return ref, nil
}

// insecure says whether a registry, "host[:port]", is listed as insecure.
func (s *Store) insecure(registry string) bool {
	host := hostOf(registry)
	return slices.ContainsFunc(s.options.Insecure, func(listed string) bool {
		return strings.EqualFold(listed, registry) || strings.EqualFold(listed, host)
	})
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
