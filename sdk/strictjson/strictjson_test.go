// SPDX-License-Identifier: Apache-2.0

package strictjson_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/zlayer/zlayer/sdk/strictjson"
)

type recipe struct {
	Name  string   `json:"name"`
	Serve int      `json:"serve,omitempty"`
	Tags  []string `json:"tags,omitempty"`
	Steps []step   `json:"steps,omitempty"`
	Oven  *oven    `json:"oven,omitempty"`
	Notes string   `json:"-"`
}

type step struct {
	Text string `json:"text"`
}

type oven struct {
	Hot bool `json:"hot,omitempty"`
}

func TestDecodeSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", "line 1: not JSON: unexpected end of JSON input"},
		{"cut off", "{\n\"name\": \"x\",\n", "line 3: not JSON: unexpected end of JSON input"},
		{"a word", "{\n \"name\" x}", "line 2: not JSON: invalid character 'x' after object key"},
		{"more behind it", "{}\n{}", "line 2: not JSON: invalid character '{' after top-level value"},
		{"not UTF-8", "{\n\"name\": \"\xff\"}", "line 2: not UTF-8"},
		{"a list", "[]", "line 1: the text is an array and must be an object"},
		{"null", "null", "line 1: the text is null: leave it out, or give it a value"},
		{"unknown", "{\"name\": \"x\",\n \"nmae\": 1}", `line 2: unknown key "nmae"`},
		{"known elsewhere", "{\"steps\": [\n{\"text\": \"a\"},\n{\"name\": 1}]}", `line 3: unknown key "name"`},
		{"unknown below a pointer", "{\"oven\": {\"cold\": true}}", `line 1: unknown key "cold"`},
		{"of a field that is no key", `{"-": "x"}`, `line 1: unknown key "-"`},
		{"in capitals", `{"Name": "x"}`, `line 1: unknown key "Name"`},
		{"empty", `{"": 1}`, `line 1: unknown key ""`},
		{"twice", "{\"name\": \"a\",\n\"name\": \"a\"}", `line 2: the key "name" is there twice`},
		{"twice, escaped", `{"name": "a", "n\u0061me": "a"}`, `line 1: the key "name" is there twice`},
		{"null in an object", "{\"steps\":\n null}", `line 2: "steps" is null: leave it out, or give it a value`},
		{"null in a list", `{"tags": ["a", null]}`, `line 1: an element of "tags" is null: leave it out, or give it a value`},
		{"a number for a text", "{\n\"name\": 1}", `line 2: "name" is a number and must be a string`},
		{"an object for a text", `{"name": {"a": 1}}`, `line 1: "name" is an object and must be a string`},
		{"a text for a list", `{"tags": "a"}`, `line 1: "tags" is a string and must be a list`},
		{"a fraction", `{"serve": 1.5}`, `line 1: "serve" is a number 1.5 and must be a whole number`},
		{"a number for an object", `{"oven": 3}`, `line 1: "oven" is a number and must be an object`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e *strictjson.Error
			err := strictjson.Decode([]byte(tt.in), &recipe{})
			if !errors.As(err, &e) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestWhatFormatWritesDecodeReads(t *testing.T) {
	in := recipe{Name: "<b>", Serve: 2, Tags: []string{"a"}, Steps: []step{{"x"}}, Oven: &oven{Hot: true}}
	b, err := strictjson.Format(in)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("{\n  \"name\": \"<b>\",\n")) || !bytes.HasSuffix(b, []byte("}\n")) {
		t.Errorf("got %s", b)
	}
	var out recipe
	if err := strictjson.Decode(b, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%v: got %v, want %v", err, out, in)
	}
}

// What is taken means the same to every reader, so it survives being written.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"name":"x","steps":[{"text":"a"}],"oven":{}}`, `{"name":null}`, `{"a":1}`, "[", `{"oven":[{}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var in, out recipe
		if strictjson.Decode(b, &in) != nil {
			return
		}
		text, err := strictjson.Format(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictjson.Decode(text, &out); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if again, _ := strictjson.Format(out); !bytes.Equal(text, again) {
			t.Errorf("%s became %s", text, again)
		}
	})
}

func ExampleDecode() {
	var r recipe
	fmt.Println(strictjson.Decode([]byte(`{"name": "bread", "oevn": {}}`), &r))
	// Output: line 1: unknown key "oevn"
}
