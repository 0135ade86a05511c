// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed diag/*.txtar
var diags embed.FS

// Diagnostics are findings about a source, to be accepted or refused.
type Diagnostics struct {
	Vector
	// JSON is {"diagnostics": …}, protobuf JSON of a
	// zlayer.frontend.v1.ParseResponse.
	JSON []byte
	// Sources are the texts of the files by their index.
	Sources [][]byte
	// Refused is set when they are not valid. Rule is the sentence of SPEC.md
	// that they break, Where the node that does.
	Refused     bool
	Rule, Where string
}

// AllDiagnostics returns the diagnostics of this project, sorted by name.
func AllDiagnostics() ([]*Diagnostics, error) { return ReadDiagnostics(diags) }

// ReadDiagnostics returns the vectors in the folder "diag" of a file system,
// sorted by name. None is no error.
func ReadDiagnostics(fsys fs.FS) ([]*Diagnostics, error) { return read(fsys, "diag", ParseDiagnostics) }

// ParseDiagnostics reads one vector. A header it does not know is an error.
func ParseDiagnostics(name string, data []byte) (*Diagnostics, error) {
	v, err := parse(name, data, noHeaders)
	if err != nil {
		return nil, err
	}
	d := &Diagnostics{Vector: v}
	if d.Refused, d.Where, err = verdict(v.Expect); err != nil {
		return nil, err
	}
	d.Rule, d.Where, _ = strings.Cut(d.Where, " ")
	var ok bool
	if d.JSON, ok = v.File("diagnostics.json"); !ok {
		return nil, fmt.Errorf("there is no diagnostics.json")
	}
	for _, f := range v.Files {
		if err := d.source(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return d, nil
}

// source reads a source, "source" or "source-N"; with the ending ".quoted" it is
// one string literal of Go, for what is no text.
func (d *Diagnostics) source(f File) error {
	switch name, quoted := strings.CutSuffix(f.Name, ".quoted"); {
	case name == "diagnostics.json":
		return nil
	case !strings.HasPrefix(name, "source"):
		return fmt.Errorf("want diagnostics.json or a source")
	case quoted:
		text, err := strconv.Unquote(strings.TrimSpace(string(f.Data)))
		d.Sources = append(d.Sources, []byte(text))
		return err
	default:
		d.Sources = append(d.Sources, f.Data)
		return nil
	}
}
