// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const arm64Magic = "magic 7f454c460201010000000000000000000200b700"

func TestEmulates(t *testing.T) {
	for entry, want := range map[string]string{
		"enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\n" + arm64Magic + "\nmask ffffffffffffff00fffffffffffffffffeffffff\n": "arm64",
		"enabled\ninterpreter /usr/bin/qemu-s390x\nflags: F\noffset 0\nmagic 7f454c4602020100000000000000000000020016\n":                               "s390x",
		"enabled\ninterpreter /usr/bin/qemu-arm\nflags: PF\noffset 0\nmagic 7f454c4601010100000000000000000002002800\n":                                "arm",
		"disabled\ninterpreter /x\nflags: F\noffset 0\n" + arm64Magic + "\n":                                                                           "",
		"enabled\ninterpreter /x\nflags: OC\noffset 0\n" + arm64Magic + "\n":                                                                           "", // must be in the image
		"enabled\ninterpreter /x\nflags: F\noffset 4\n" + arm64Magic + "\n":                                                                            "",
		"enabled\ninterpreter /usr/bin/wine\nflags: F\noffset 0\nmagic 4d5a\n":                                                                         "",
		"enabled\ninterpreter /usr/bin/jar\nflags: F\nextension .jar\n":                                                                                "",
		"enabled": "", "": "",
	} {
		if got := emulates(entry); got != want {
			t.Errorf("%q emulates %q, want %q", entry, got, want)
		}
	}
}

func TestEmulated(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a": "enabled\nflags: F\noffset 0\n" + arm64Magic, "b": "enabled\nflags: F\noffset 0\n" + arm64Magic, "status": "enabled", "register": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := emulated(dir); !slices.Equal(got, []string{"arm64"}) {
		t.Errorf("emulated are %q", got)
	}
	if got := emulated(filepath.Join(dir, "none")); got != nil {
		t.Errorf("emulated are %q", got)
	}
}

func TestSubordinates(t *testing.T) {
	name := userName()
	for text, want := range map[string][]idRange{
		name + ":100000:65536\n":                        {{1, 100000, 65536}},
		"other:1:2\n" + name + ":5:2\n" + name + ":9:3": {{1, 5, 2}, {3, 9, 3}},
		"other:100000:65536\n":                          nil,
		name + "\n\n# comment\n" + name + ":7:0\n":      nil,
	} {
		file := filepath.Join(t.TempDir(), "subuid")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := subordinates(file); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	if got, err := subordinates("/no/such/file"); got != nil || err != nil {
		t.Errorf("no file: %v, %v", got, err)
	}
}
