// SPDX-License-Identifier: Apache-2.0

// Package manifest reads zlayer-plugin.json, the one source of truth about a
// plugin: all that a host must know before it runs anything.
package manifest

// FileName is the name of a manifest in a plugin's folder.
const FileName = "zlayer-plugin.json"

// Kind says what a plugin is.
type Kind string

// The kinds of plugin.
const (
	Frontend Kind = "frontend"
	Backend  Kind = "backend"
)

// Manifest describes one plugin.
type Manifest struct {
	// Schema is the version of this format: 1.
	Schema int `json:"schema"`
	// ID names the plugin: lower-case letters, digits, "-" and ".", at most
	// one "/" after a vendor's domain.
	ID string `json:"id"`
	// Kind is what it is.
	Kind Kind `json:"kind"`
	// Version is its semantic version, without "v".
	Version string `json:"version"`
	// Summary is one line for lists.
	Summary string `json:"summary,omitempty"`
	// Protocol is what it speaks.
	Protocol Protocol `json:"protocol"`
	// Files are its files. Exactly one for each platform has the role main.
	Files []File `json:"files"`
	// Claims are the build files a frontend understands.
	Claims *Claims `json:"claims,omitempty"`
	// Capabilities are the most a backend can do on any machine.
	Capabilities *Capabilities `json:"capabilities,omitempty"`
	// Permissions are what a backend touches. A frontend has none.
	Permissions *Permissions `json:"permissions,omitempty"`
	// Environment lists the variables passed to a backend: exact names, or a
	// prefix followed by "*".
	Environment []string `json:"environment,omitempty"`
}

// Protocol names a protocol version. The name of the protocol is the kind.
type Protocol struct {
	// Major must be one the host speaks.
	Major int `json:"major"`
	// Minor is the newest addition the plugin knows.
	Minor int `json:"minor"`
}

// File is one file of a plugin.
type File struct {
	// Path is slash-separated and relative to the manifest.
	Path string `json:"path"`
	// Digest is "sha256:…" of the file, checked before every use.
	Digest string `json:"digest"`
	// Platform is "os/arch". Empty for files of every platform, as wasm is.
	Platform string `json:"platform,omitempty"`
	// Role is "main" for what is run, "" for the rest.
	Role string `json:"role,omitempty"`
}

// RoleMain marks the module or executable that the host runs.
const RoleMain = "main"

// Claims says which build files a frontend understands.
type Claims struct {
	// Files are patterns of base names (path.Match) that the frontend
	// understands: "Dockerfile", "Dockerfile.*".
	Files []string `json:"files"`
	// Discover are the patterns, the preferred one first, by which a build
	// file is found in a folder when the user names none. A pattern that
	// matches several files finds none.
	Discover []string `json:"discover,omitempty"`
	// Syntaxes are the names in a "# syntax=" line, without tag or digest:
	// "docker/dockerfile".
	Syntaxes []string `json:"syntaxes,omitempty"`
	// Priority orders frontends when several claims match; higher wins.
	Priority int `json:"priority,omitempty"`
}

// Capabilities is the most a backend can do. Describe subtracts from it.
type Capabilities struct {
	// Features are feature ids (see ir.Features).
	Features []string `json:"features"`
	// Platforms are "os/arch" patterns of images it can make; "*" matches all.
	// Empty for wasm backends.
	Platforms []string `json:"platforms,omitempty"`
}

// Permissions is what a backend touches, shown before it is installed.
type Permissions struct {
	// Network is whether it reaches the network.
	Network bool `json:"network,omitempty"`
	// Paths are files and folders it touches beyond the system's, contexts,
	// images and its own state, each as ParseAccess reads it.
	Paths []string `json:"paths,omitempty"`
	// Privileges are "mount", "user-namespace".
	Privileges []string `json:"privileges,omitempty"`
	// Tools are programs it runs from PATH.
	Tools []string `json:"tools,omitempty"`
}
