// SPDX-License-Identifier: Apache-2.0

package host

import (
	"io"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Source is a build file: on disk, or a buffer of an editor.
type Source struct {
	// Name is how messages call it.
	Name string
	// Path is where it is. Empty for a buffer.
	Path string
	// Content is its text.
	Content []byte
	// Frontend is the id of the frontend to use. Empty: the one that claims
	// the name, or the "# syntax=" line, or, as a last resort, "Dockerfile".
	Frontend string
	// Tokens asks for symbols and tokens too, as editors want them.
	Tokens bool
}

// Checked is what a frontend says about a Source.
type Checked struct {
	// Frontend is the id of the frontend.
	Frontend string
	// Build is the source IR; with errors, the part that was understood.
	Build *irv1.Build
	// Files are the files that ranges point into.
	Files []diag.File
	// Diagnostics are all findings, in the order of the file.
	Diagnostics []*diagv1.Diagnostic
	// Symbols are the names of the file, when asked for.
	Symbols []*frontendv1.Symbol
	// Tokens are the tokens of the file, when asked for.
	Tokens []*frontendv1.Token
}

// Format is an image format.
type Format string

// The image formats.
const (
	// OCI is the OCI image format (image-spec 1.1).
	OCI Format = "oci"
	// Docker is Docker's image manifest version 2, schema 2.
	Docker Format = "docker"
)

// Pull says when base images are fetched.
type Pull string

// The pull policies.
const (
	// PullMissing fetches what is not in the store.
	PullMissing Pull = "missing"
	// PullNewer fetches when the registry has another image than the store,
	// and is content with the store when the registry cannot be reached.
	PullNewer Pull = "newer"
	// PullAlways asks the registry and fails when it cannot be reached.
	PullAlways Pull = "always"
	// PullNever uses the store only.
	PullNever Pull = "never"
)

// OutputType is a kind of Output.
type OutputType string

// The kinds of output.
const (
	// OutputOCILayout is a folder (image-spec, image-layout.md).
	OutputOCILayout OutputType = "oci-layout"
	// OutputOCIArchive is a tar of such a folder.
	OutputOCIArchive OutputType = "oci-archive"
	// OutputDockerArchive is what docker load reads.
	OutputDockerArchive OutputType = "docker-archive"
	// OutputTar is a tar of the image's file system.
	OutputTar OutputType = "tar"
	// OutputLocal is a folder with the image's file system. What else the
	// folder has stays there.
	OutputLocal OutputType = "local"
	// OutputDocker is the user's docker or, without one, podman, which loads
	// the image. It has no path.
	OutputDocker OutputType = "docker"
)

// folder says whether the output is a folder.
func (t OutputType) folder() bool { return t == OutputOCILayout || t == OutputLocal }

// Output is a place where a result is also written.
type Output struct {
	// Type is the kind.
	Type OutputType
	// Path is the folder or file. What is there is replaced at once, and only
	// by a complete result.
	Path string
	// Writer, when set, gets what would be in the file. Path is then only what
	// messages call it.
	Writer io.Writer
}

// Secret is where a secret's value comes from: exactly one field is set.
type Secret struct {
	// File is a path.
	File string
	// Env is the name of a variable.
	Env string
}

// Request asks for a build.
type Request struct {
	// Source is the build file. Without content its name is that of a file in a
	// context from elsewhere, as Fetch says.
	Source Source
	// Context is the main build context.
	Context Context
	// Contexts are named contexts.
	Contexts map[string]Context
	// Args are build arguments in order; a later one wins.
	Args []Arg
	// Target is the stage to build. Empty: the last one.
	Target string
	// Platforms are "os/arch[/variant]" each. None: this machine's, for Linux.
	// The result for several is a manifest list of an image for each; one that
	// is named twice counts once.
	Platforms []string
	// Pull says when base images are fetched. Empty: PullMissing.
	Pull Pull
	// Backend is the id of the backend to use. Empty: the host chooses.
	Backend string
	// Prefer are ids of backends, the preferred one first. Those that are not
	// in it follow in the order of their ids; an id that is not installed
	// counts for nothing. It decides only while Backend is empty.
	Prefer []string
	// Experimental allows what a backend calls experimental on this machine.
	Experimental bool
	// NoCache builds every step anew.
	NoCache bool
	// Secrets are the secrets by id.
	Secrets map[string]Secret
	// SSH are the agents' sockets by id; the usual id is "default".
	SSH map[string]string
	// Format is the image format. Empty: OCI.
	Format Format
	// SourceDateEpoch makes the result reproducible: no time in it is later
	// (https://reproducible-builds.org/specs/source-date-epoch/).
	SourceDateEpoch *int64
	// Tags are the references that name the result.
	Tags []string
	// Outputs are places where the result is also written.
	Outputs []Output
	// DigestFile is a file that gets the digest of the result. Empty: none.
	DigestFile string
	// MetadataFile is a file that gets what there is to say of the build, as
	// JSON; README.md has its fields. Empty: none.
	MetadataFile string
	// Events, when set, is called with every event, one at a time.
	Events func(Event)
}

// Arg is a build argument.
type Arg struct {
	// Name is its name.
	Name string
	// Value is its value.
	Value string
}

// Resolved is a build with nothing left to decide.
type Resolved struct {
	// Build is the resolved IR.
	Build *irv1.ResolvedBuild
	// Checked is what it was made from.
	Checked *Checked
	// Diagnostics are the findings of resolving, warnings only.
	Diagnostics []*diagv1.Diagnostic
}

// Result is a finished build.
type Result struct {
	// Digest is that of the manifest of the image or artifact, or of the manifest
	// list.
	Digest string `json:"digest"`
	// Platform is that of one of several images: "os/arch[/variant]".
	Platform string `json:"platform,omitempty"`
	// Backend is the id of the backend that built it. Empty for a manifest list
	// of which several built parts.
	Backend string `json:"backend"`
	// Cached says that nothing had to run.
	Cached bool `json:"cached"`
	// Tags are the full references that name it.
	Tags []string `json:"tags,omitempty"`
	// Outputs are the paths it was written to.
	Outputs []string `json:"outputs,omitempty"`
	// Images are the results for each platform, in the order of the request. None
	// for one that is no manifest list.
	Images []Result `json:"images,omitempty"`
}
