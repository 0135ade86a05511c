// SPDX-License-Identifier: Apache-2.0

// Package strictjson reads the JSON that people write by hand and tools of
// other languages read too. It refuses what encoding/json lets pass and others
// take otherwise: unknown keys, keys in another case, keys that are there
// twice, and null.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"unicode/utf8"
)

// Error says what is wrong with a text, and where.
type Error struct {
	// Line is the line, from 1.
	Line int
	// Problem is what is wrong there.
	Problem string
	// Key is the key that nobody knows. Empty for other problems.
	Key string
}

// Error names the line.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Decode reads one JSON value into v, a pointer to a struct, which has a tag
// for every key there may be. The error is an *Error.
func Decode(b []byte, v any) error {
	if i := invalid(b); i >= 0 {
		return at(b, int64(i), "not UTF-8")
	}
	if err := shape(b, reflect.TypeOf(v)); err != nil {
		return err
	}
	var kind *json.UnmarshalTypeError
	switch err := json.Unmarshal(b, v); {
	case errors.As(err, &kind):
		return at(b, kind.Offset, "%s is a %s and must be %s", subject(kind.Field), kind.Value, expected(kind.Type))
	case err != nil:
		return at(b, 0, "not as it must be: %v", err)
	}
	return nil
}

// Format returns v as a file has it: indented by two spaces, with a final
// newline.
func Format(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// at is the error about an offset.
func at(b []byte, offset int64, format string, args ...any) *Error {
	offset = min(max(offset, 0), int64(len(b)))
	return &Error{Line: 1 + bytes.Count(b[:offset], []byte{'\n'}), Problem: fmt.Sprintf(format, args...)}
}

// subject is how an error calls the value at a path of keys.
func subject(path string) string {
	if path == "" {
		return "the text"
	}
	return fmt.Sprintf("%q", path)
}

// expected is how an error calls the type that a value must have.
func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Int:
		return "a whole number"
	}
	return "a " + t.Kind().String()
}

// invalid returns the offset of the first byte that is not UTF-8, or -1.
func invalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// shape checks that b is one JSON value whose keys are those of a type.
func shape(b []byte, t reflect.Type) error {
	w := walker{text: b, d: json.NewDecoder(bytes.NewReader(b))}
	if err := w.value("the text", t); err != nil {
		return w.explain(err)
	}
	if _, err := w.d.Token(); !errors.Is(err, io.EOF) {
		return w.fail("not JSON: there is more after the end of the value")
	}
	return nil
}
