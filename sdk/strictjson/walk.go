// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// walker reads a text, which is JSON, token by token.
type walker struct {
	text []byte
	d    *json.Decoder
}

// fail is the error about where the walker is.
func (w *walker) fail(format string, args ...any) *Error {
	return at(w.text, w.d.InputOffset(), format, args...)
}

// value reads the value of a key. Its type is nil where anything may be; that
// it has another one is seen when it is decoded.
func (w *walker) value(key string, t reflect.Type) error {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := w.d.Token()
	switch {
	case err != nil:
		return err
	case token == nil:
		return w.fail("%s is null: leave it out, or give it a value", key)
	case token == json.Delim('{'):
		err = w.object(t)
	case token == json.Delim('['):
		err = w.list(key, t)
	default:
		return nil
	}
	if err == nil {
		_, err = w.d.Token() // the end
	}
	return err
}

// list reads the elements of the list of a key.
func (w *walker) list(key string, t reflect.Type) error {
	var element reflect.Type
	if t != nil && t.Kind() == reflect.Slice {
		element = t.Elem()
	}
	for w.d.More() {
		if err := w.value("an element of "+key, element); err != nil {
			return err
		}
	}
	return nil
}

// object reads the keys of an object and their values.
func (w *walker) object(t reflect.Type) error {
	seen := map[string]bool{}
	for w.d.More() {
		token, err := w.d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		field, known := member(t, key)
		if !known {
			e := w.fail("unknown key %q", key)
			e.Key = key
			return e
		}
		if seen[key] {
			return w.fail("the key %q is there twice", key)
		}
		seen[key] = true
		if err := w.value(fmt.Sprintf("%q", key), field); err != nil {
			return err
		}
	}
	return nil
}

// member returns the type of the field with a key, if any. Where no struct is
// wanted every key is known.
func member(t reflect.Type, key string) (field reflect.Type, known bool) {
	if t == nil || t.Kind() != reflect.Struct {
		return nil, true
	}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == key && name != "-" {
			return f.Type, true
		}
	}
	return nil, false
}
