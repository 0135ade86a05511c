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
	"reflect"
	"strings"
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
	var whole json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(b, &whole); errors.As(err, &syntax) {
		return at(b, syntax.Offset, "not JSON: %v", err)
	}
	w := walker{text: b, d: json.NewDecoder(bytes.NewReader(b))}
	w.d.UseNumber() // of any size
	if err := w.value("the text", reflect.TypeOf(v)); err != nil {
		return err
	}
	var kind *json.UnmarshalTypeError
	switch err := json.Unmarshal(b, v); {
	case errors.As(err, &kind):
		return at(b, kind.Offset, "%s is %s and must be %s", subject(kind.Field), article(kind.Value), article(name(kind.Type)))
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

// name is how an error calls a type.
func name(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Int:
		return "whole number"
	}
	return t.Kind().String()
}

// article puts the article before a word for a value or a type.
func article(word string) string {
	if strings.HasPrefix(word, "array") || strings.HasPrefix(word, "object") {
		return "an " + word
	}
	return "a " + word
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
