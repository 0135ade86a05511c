// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/zlayer/zlayer/sdk/strictjson"
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
	var head struct {
		Schema int `json:"schema"`
	}
	if json.Unmarshal(b, &head) == nil && head.Schema != Schema {
		return nil, &SchemaError{Schema: head.Schema}
	}
	m := &Manifest{}
	if err := strictjson.Decode(b, m); err != nil {
		return nil, explain(err)
	}
	return m, nil
}

// Format returns the manifest as its file has it: indented, with a final
// newline.
func Format(m *Manifest) ([]byte, error) { return strictjson.Format(m) }

// explain adds to an unknown key where it may come from.
func explain(err error) error {
	var bad *strictjson.Error
	if errors.As(err, &bad) && bad.Key != "" {
		return fmt.Errorf("%w: a typing error, or the plugin is for a newer zlayer", err)
	}
	return err
}
