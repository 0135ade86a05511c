// SPDX-License-Identifier: Apache-2.0

// Package registry is the client side of registries: who we are to them, how a
// request travels, and what an error of theirs means.
//
// A Client carries every request of a process. It refuses plain http except
// where the user allowed it, gives up on connections that stand still, and
// waits when a registry asks for that. A Session speaks about one reference.
//
// References follow Docker's rule: "debian" is docker.io/library/debian:latest.
package registry

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// userAgent names us to registries.
const userAgent = "zlayer"

// tries is how often a request is made, or a transfer begun, before its failure
// counts.
const tries = 3

// Options are the settings of a Client. The zero value is usable.
type Options struct {
	// Insecure names registries, "host" or "host:port", that are reached over
	// http, or over https with a certificate that nobody vouches for. Loopback
	// addresses may always use http.
	Insecure []string
	// AuthFiles are the files with registry credentials, first one with an
	// entry wins; one that does not exist is passed over. Nil means those of
	// Docker and Podman: $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or
	// ~/.docker/config.json, $XDG_RUNTIME_DIR/containers/auth.json,
	// ~/.config/containers/auth.json.
	AuthFiles []string
	// Stall is how long a registry may send nothing before it counts as
	// unreachable. 0 means one minute.
	Stall time.Duration
	// Pause is how long to wait before a second try; later ones wait longer. 0
	// means one second.
	Pause time.Duration
}

// Client speaks to registries. Its methods are safe for concurrent use.
type Client struct {
	options   Options
	transport http.RoundTripper
}

// New returns a Client. It reads and sends nothing.
func New(o Options) *Client {
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	if o.AuthFiles == nil {
		o.AuthFiles = authFiles()
	}
	return &Client{options: o, transport: &patient{next: newTransport(o), pause: o.Pause}}
}

// insecure says whether a registry, "host[:port]", is listed as insecure.
func (o *Options) insecure(registry string) bool {
	host := hostOf(registry)
	return slices.ContainsFunc(o.Insecure, func(listed string) bool {
		return strings.EqualFold(listed, registry) || strings.EqualFold(listed, host)
	})
}
