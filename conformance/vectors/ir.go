// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed ir/*.txtar
var irs embed.FS

// IR is a build, in the source or the resolved state, to be accepted or refused
// by whoever reads it.
type IR struct {
	Vector
	// Resolved reports whether it is a zlayer.ir.v1.ResolvedBuild, else it is a
	// zlayer.ir.v1.Build.
	Resolved bool
	// Build is the build.
	Build Message
	// Refused is set when it is not valid. Where is the node that is wrong;
	// empty for the whole message.
	Refused bool
	Where   string
	// Same are builds with the same digest, Other those with another one.
	Same, Other []Message
}

// Message is a protobuf message: one of the two is set.
type Message struct {
	// JSON is its protobuf JSON.
	JSON []byte
	// Wire is its encoding.
	Wire []byte
}

// IRs returns the builds of this project, sorted by name.
func IRs() ([]*IR, error) { return ReadIRs(irs) }

// ReadIRs returns the vectors in the folder "ir" of a file system, sorted by
// name. None is no error.
func ReadIRs(fsys fs.FS) ([]*IR, error) { return read(fsys, "ir", ParseIR) }

// ParseIR reads one vector. A header it does not know is an error.
func ParseIR(name string, data []byte) (*IR, error) {
	v, err := parse(name, data, noHeaders)
	if err != nil {
		return nil, err
	}
	r := &IR{Vector: v}
	if r.Refused, r.Where, err = verdict(v.Expect); err != nil {
		return nil, err
	}
	for _, f := range v.Files {
		if err := r.file(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if r.Build.JSON == nil && r.Build.Wire == nil {
		return nil, fmt.Errorf("there is no build and no resolved build")
	}
	return r, nil
}

// verdict reads "ok" or "refused [WHERE]".
func verdict(expect string) (refused bool, where string, err error) {
	class, where, _ := strings.Cut(expect, " ")
	if class != "ok" && class != "refused" || class == "ok" && where != "" {
		return false, "", fmt.Errorf("expect: want ok, or refused and what is wrong")
	}
	return class == "refused", where, nil
}

// file reads a file by its name: "build", "resolved", or "same" or "other" and
// a word, with the extension ".json" or ".hex".
func (r *IR) file(f File) error {
	m, err := message(f)
	if err != nil {
		return err
	}
	kind, _, _ := strings.Cut(strings.TrimSuffix(f.Name, path.Ext(f.Name)), "-")
	switch kind {
	case "build", "resolved":
		r.Build, r.Resolved = m, kind == "resolved"
	case "same":
		r.Same = append(r.Same, m)
	case "other":
		r.Other = append(r.Other, m)
	default:
		return fmt.Errorf("want build, resolved, same or other")
	}
	return nil
}

// message reads JSON or hex. In hex "#" begins a comment.
func message(f File) (Message, error) {
	switch path.Ext(f.Name) {
	case ".json":
		return Message{JSON: f.Data}, nil
	case ".hex":
		var digits strings.Builder
		for line := range strings.Lines(string(f.Data)) {
			line, _, _ = strings.Cut(line, "#")
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
		wire, err := hex.DecodeString(digits.String())
		return Message{Wire: wire}, err
	}
	return Message{}, fmt.Errorf("want .json or .hex")
}
