// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// strict refuses what encoding/json lets pass, and readers in other languages
// would take otherwise: keys in capitals, keys that are there twice, and null
// (SPEC M1). b is JSON.
func strict(b []byte) error {
	return strictValue(json.NewDecoder(bytes.NewReader(b)), "the manifest")
}

// strictValue reads the value of a key.
func strictValue(d *json.Decoder, key string) error {
	token, err := d.Token()
	switch {
	case err != nil:
		return err
	case token == nil:
		return fmt.Errorf("%s is null: leave it out, or give it a value", key)
	case token == json.Delim('{'):
		err = strictObject(d)
	case token == json.Delim('['):
		for err == nil && d.More() {
			err = strictValue(d, "an element of "+key)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = d.Token() // the end
	}
	return err
}

// strictObject reads the keys of an object and their values.
func strictObject(d *json.Decoder) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		switch {
		case strings.Trim(key, "abcdefghijklmnopqrstuvwxyz") != "":
			return unknownKey(fmt.Sprintf("%q", key))
		case seen[key]:
			return fmt.Errorf("the key %q is there twice", key)
		}
		seen[key] = true
		if err := strictValue(d, fmt.Sprintf("%q", key)); err != nil {
			return err
		}
	}
	return nil
}
