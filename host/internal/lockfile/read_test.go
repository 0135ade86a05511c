// SPDX-License-Identifier: Apache-2.0

package lockfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/host/internal/lockfile"
)

func read(t testing.TB, text string) (*lockfile.File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), lockfile.Name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return lockfile.Read(path)
}

func TestReadSaysWhatIsWrongAndWhere(t *testing.T) {
	_, good := write(t, both())
	edit := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("there is no %s", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	for _, tt := range []struct{ name, in, want, help string }{
		{"empty", "", ":1: not JSON", "zlayer plugin lock"},
		{"cut off", good[:len(good)/2], ": not JSON", "zlayer plugin lock"},
		{"not UTF-8", edit("./lines", "\xff"), ":8: not UTF-8", "zlayer plugin lock"},
		{"unknown key", edit(`"kind"`, `"kimd"`), `:7: unknown key "kimd"`, "newer zlayer"},
		{"key twice", edit(`"kind"`, `"version"`), `:7: the key "version" is there twice`, "zlayer plugin lock"},
		{"wrong type", edit(`"1.2.3"`, `1`), `:6: "plugins.version" is a number and must be a string`, "zlayer plugin lock"},
		{"no schema", `{"plugins": []}`, `: the lock names no schema`, "zlayer plugin lock"},
		{"newer, with keys nobody knows", "{\n\"pins\": {},\n\"schema\": 2}", ":3: the lock has schema 2, and this zlayer reads 1", "update zlayer"},
		{"conflict", edit(`      "version": "1.2.3",`, "<<<<<<< HEAD\n      \"version\": \"1.2.3\",\n=======\n      \"version\": \"1.2.4\",\n>>>>>>> theirs"),
			":6: a merge by git left a conflict here", "git checkout --ours"},
		{"end of a conflict", edit(`    {`, "    {\n>>>>>>> theirs\r"), ":5: a merge", "git checkout"},
		{"plugin twice", edit("acme.example/oven", "acme.example/lines"), `: plugin "acme.example/lines": it is there twice`, ""},
		{"id that climbs", edit("acme.example/oven", "../oven"), "no plugin can have this id", ""},
		{"version", edit("1.2.3", "1.2"), `version "1.2"`, ""},
		{"kind", edit(`"frontend"`, `"middleend"`), `kind "middleend"`, ""},
		{"manifest", edit("sha256:252f", "sha256:252F"), "is no digest", ""},
		{"protocol", edit(">=1.0 <2", ">=1.0 <3"), `protocol ">=1.0 <3"`, ""},
		{"protocol of nobody", edit(">=1.0 <2", ">=0.0 <1"), `protocol ">=0.0 <1"`, ""},
		{"no source", edit("./lines", ""), "source and resolved", ""},
		{"password", edit("./lines", "https://me:hunter2@acme.example/x.tar"), "holds credentials", ""},
		{"no files", edit(`"any"`, `"all"`), `platform "all"`, ""},
		{"path that climbs", edit("policy.json", "../policy.json"), `the path "../policy.json"`, ""},
		{"digest of a file", edit(digest, "sha1:00"), `"sha1:00" is no digest`, ""},
		{"escape", edit("./lines", `\u001b[2J`), "cannot be shown", ""},
		{"escape in a permission", edit(`"git"`, `"g\u202eit"`), "cannot be shown", ""},
		{"too large", strings.Repeat(" ", lockfile.MaxSize+1), "more than", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e *lockfile.Error
			if _, err := read(t, tt.in); !errors.As(err, &e) || !strings.Contains(err.Error(), lockfile.Name+":") ||
				!strings.Contains(err.Error(), tt.want) || !strings.Contains(e.Help, tt.help) {
				t.Errorf("got %v, want %q and the help %q", err, tt.want, tt.help)
			} else if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v shows the password", err)
			}
		})
	}
	if _, err := lockfile.Read(filepath.Join(t.TempDir(), lockfile.Name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadTakesWhatPeopleMerged(t *testing.T) {
	_, good := write(t, both())
	f := both()
	f.Plugins[0], f.Plugins[1] = f.Plugins[1], f.Plugins[0]
	merged := strings.Replace(good, "acme.example/lines", "zebra", 1) // now it comes last
	back, err := read(t, merged)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := back.Entry("zebra"); !ok || back.Plugins[0].ID != "acme.example/oven" {
		t.Errorf("got %v", back.Plugins)
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), lockfile.Name)
	if err := both().Write(path); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(good), "", "{}", `{"schema": 2}`, "<<<<<<< HEAD\n", `{"schema": 1, "plugins": [{}]}`, strings.Repeat("1", 400)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		lock, err := lockfile.Read(path)
		if err != nil {
			var bad *lockfile.Error
			if !errors.As(err, &bad) || bad.Help == "" {
				t.Errorf("%v helps nobody", err)
			}
			return
		}
		if err := lock.Write(path); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := lockfile.Read(path)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		for _, e := range lock.Plugins {
			if _, ok := again.Entry(e.ID); !ok || e.Source == "" {
				t.Errorf("%s is lost", e.ID)
			}
		}
	})
}
