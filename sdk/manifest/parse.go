// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Schema is the version of the format that this package reads.
const Schema = 1

// MaxSize is the largest manifest in bytes.
const MaxSize = 1 << 20

// SchemaError is a manifest of another version of the format.
type SchemaError struct {
	// Schema is what the manifest says; 0 when it says nothing.
	Schema int
}

// Error says what to do.
func (e *SchemaError) Error() string {
	switch {
	case e.Schema == 0:
		return fmt.Sprintf("the manifest names no schema; add \"schema\": %d", Schema)
	case e.Schema > Schema:
		return fmt.Sprintf("the manifest has schema %d, and this zlayer reads %d: update zlayer", e.Schema, Schema)
	default:
		return fmt.Sprintf("the manifest has schema %d, and this zlayer reads %d", e.Schema, Schema)
	}
}

// Parse reads a manifest. It is strict: an unknown key is an error that names
// it, since whatever it was meant to say would be lost (SPEC M1). The error is
// a *SchemaError when the format has another version. Parse does not Validate.
func Parse(b []byte) (*Manifest, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("the manifest has %d bytes, more than %d", len(b), MaxSize)
	}
	if !utf8.Valid(b) {
		return nil, errors.New("the manifest is not UTF-8")
	}
	var head struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, explain(b, err)
	}
	if head.Schema != Schema {
		return nil, &SchemaError{Schema: head.Schema}
	}
	if err := strict(b); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	m := &Manifest{}
	if err := d.Decode(m); err != nil {
		return nil, explain(b, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the manifest goes on after its last brace")
	}
	return m, nil
}

// Format returns the manifest as its file has it: indented, with a final
// newline.
func Format(m *Manifest) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(m)
	return b.Bytes(), err
}

// explain says where the text is wrong, in words for who wrote it.
func explain(b []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d is not JSON: %w", line(b, syntax.Offset), err)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("line %d: %q is a %s and must be a %s", line(b, kind.Offset), kind.Field, kind.Value, kind.Type)
	case errors.As(err, &kind):
		return fmt.Errorf("the manifest is a %s and must be an object", kind.Value)
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return unknownKey(key)
	}
	return fmt.Errorf("the manifest is not JSON: %w", err)
}

// unknownKey is the error about a key, which is quoted.
func unknownKey(key string) error {
	return fmt.Errorf("unknown key %s: a typing error, or the plugin is for a newer zlayer", key)
}

// line returns the line of an offset, from 1.
func line(b []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(b)))
	return 1 + bytes.Count(b[:offset], []byte{'\n'})
}
