// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestRecordSurvives(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "keys"))
	key := Key("a", "b")
	if s.Get(key) != nil {
		t.Fatal("a record out of nothing")
	}
	want := &Record{Backend: "x", Inputs: []Input{{1, []string{"a\nb", "*.go"}, "sha256:0"}}, Reads: []Read{{"tool", "go", "go1"}}, Result: "sha256:1"}
	if err := s.Put(key, want); err != nil {
		t.Fatal(err)
	}
	if got := s.Get(key); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	entries, _ := os.ReadDir(s.dir)
	if len(entries) != 1 {
		t.Errorf("%d files for one record", len(entries))
	}
}

// A crash or a full disk can leave anything under the name.
func TestDamagedRecordIsNone(t *testing.T) {
	s := Open(t.TempDir())
	for _, text := range []string{"", "{", "null", `{"result":""}`, "\x00"} {
		if err := os.WriteFile(s.path("k"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.Get("k"); r != nil {
			t.Errorf("%q was taken for a record: %+v", text, r)
		}
	}
}

func TestKeyKeepsPartsApart(t *testing.T) {
	if Key("ab", "c") == Key("a", "bc") || Key("a") == Key("a", "") {
		t.Error("different parts, same key")
	}
}
