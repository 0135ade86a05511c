// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// There are as many vectors as promised, and each says all it must.
func TestFrontends(t *testing.T) {
	all, err := vectors.Frontends()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, v := range all {
		area, _, _ := strings.Cut(v.Name, "-")
		count[area]++
		if len(v.Spec) == 0 {
			t.Errorf("%s names no sentence of SPEC.md", v.Name)
		}
		for _, f := range v.Files {
			if len(f.Data) == 0 && strings.HasPrefix(f.Name, "@want") && f.Name != "@want.diag" {
				t.Errorf("%s: %s is empty", v.Name, f.Name)
			}
		}
	}
	if count["dockerfile"] < 60 || count["zimagefile"] < 25 || count["protocol"] < 30 || len(count) != 3 {
		t.Errorf("vectors by area: %v", count)
	}
}

func parseFrontend(t *testing.T, lines ...string) (*vectors.Frontend, error) {
	t.Helper()
	return vectors.ParseFrontend("x", []byte(strings.Join(lines, "\n")+"\n"))
}

func TestParseFrontendReadsTexts(t *testing.T) {
	v, err := parseFrontend(t, "about", "spec: F7", "expect: ok", "-- @setup --", `file Buildfile "a\r\n\xff"`, "-- go.mod --", "module x", "-- @want.ir --")
	if err != nil {
		t.Fatal(err)
	}
	// A file of the archive comes before those of @setup.
	if v.File != "go.mod" || string(v.Context["Buildfile"]) != "a\r\n\xff" {
		t.Errorf("build file %q, context %q", v.File, v.Context)
	}
}

func TestParseFrontendRefuses(t *testing.T) {
	for want, lines := range map[string][]string{
		"unknown key":        {"about", "expect: ok", "arg: x", "-- a --"},
		"no build file":      {"about", "expect: ok"},
		"want ok or diag":    {"about", "expect: source", "-- a --"},
		"there is no @want":  {"about", "expect: diagnostics", "-- a --"},
		"unknown file @wnat": {"about", "expect: ok", "-- a --", "-- @wnat --"},
		"want file NAME":     {"about", "expect: ok", "-- @setup --", "dir x"},
		"beside the script":  {"about", "expect: ok", "-- @script --", "close", "-- a --"},
		"comes to":           {"about", "expect: ok", "-- @script --", "want exit nonzero"},
		"unknown verb":       {"about", "expect: ok", "-- @script --", "sent 1 1"},
		"brace":              {"about", "expect: ok", "-- @script --", "send 2 { 1 1"},
		"one too many":       {"about", "expect: ok", "-- @script --", "send 1 1 }"},
		"value is missing":   {"about", "expect: ok", "-- @script --", "send 1"},
		"quote":              {"about", "expect: ok", "-- @script --", `raw "a`},
		"has no end":         {"about", "expect: ok", "-- @script --", "repeat 2", "close"},
		"nothing is rep":     {"about", "expect: ok", "-- @script --", "end"},
		"want parse ID":      {"about", "expect: ok", "-- @script --", "want failure 1 lost"},
		"braces in braces":   {"about", "expect: ok", "-- @script --", "send " + strings.Repeat("1 {", 200)},
	} {
		if _, err := parseFrontend(t, lines...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// What a script sends is what a protobuf library writes.
func TestScriptWritesMessages(t *testing.T) {
	v, err := parseFrontend(t, "about", "expect: ok", "-- @script --", `send 1 300 2 { 1 $FILE 2 "a\n"*3 "b" 3 { 1 "x" 2 1 4 "y" 4 "z" } 4 1 }`,
		"repeat 2", "raw $FILE", "end", "want parse 300")
	if err != nil {
		t.Fatal(err)
	}
	ops, err := v.Script("Dockerfile")
	if err != nil || len(ops) != 4 {
		t.Fatalf("%d steps, %v", len(ops), err)
	}
	want, err := (&frontendv1.Request{Id: 300, Method: &frontendv1.Request_Parse{Parse: &frontendv1.ParseRequest{
		Name: "Dockerfile", Content: []byte("a\na\na\nb"), Tokens: true,
		Files: []*frontendv1.File{{Path: "x", Absent: true, Entries: []string{"y", "z"}}},
	}}}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if got := ops[0].Bytes; int(got[0]) != len(want) || !bytes.Equal(got[1:], want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if string(ops[2].Bytes) != "Dockerfile" || ops[3].Verb != vectors.WantParse || ops[3].ID != 300 {
		t.Errorf("steps %+v", ops[2:])
	}
}
