// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"net/url"
	"strings"
	"testing"
)

func TestParseRepository(t *testing.T) {
	for source, want := range map[string]Repository{
		"https://h/x.git":                    {Address: "https://h/x.git"},
		"https://h/x.git#v1":                 {Address: "https://h/x.git", Ref: "v1"},
		"https://h/x.git#v1:a/b":             {Address: "https://h/x.git", Ref: "v1", Folder: "a/b"},
		"https://h/x.git#:a":                 {Address: "https://h/x.git", Folder: "a"},
		"git@h:x/y.git#main:a":               {Address: "git@h:x/y.git", Ref: "main", Folder: "a"},
		"ssh://git@h:22/x":                   {Address: "ssh://git@h:22/x"},
		"git://h/x#refs/pull/1/head":         {Address: "git://h/x", Ref: "refs/pull/1/head"},
		"https://h/x.git?ref=v1&subdir=a":    {Address: "https://h/x.git", Ref: "v1", Folder: "a"},
		"https://h/x.git?tag=v1":             {Address: "https://h/x.git", Ref: "refs/tags/v1"},
		"https://h/x.git?branch=b#:a":        {Address: "https://h/x.git", Ref: "refs/heads/b", Folder: "a"},
		"https://h/x.git?commit=abcdef1":     {Address: "https://h/x.git", Ref: "abcdef1", Checksum: "abcdef1"},
		"https://h/x.git?checksum=a1b#v1":    {Address: "https://h/x.git", Ref: "v1", Checksum: "a1b"},
		"https://h/x.git?keep-git-dir":       {Address: "https://h/x.git", KeepGitDir: true},
		"https://h/x.git?keep-git-dir=0":     {Address: "https://h/x.git"},
		"https://h/x.git?submodules=false":   {Address: "https://h/x.git", NoSubmodules: true},
		"https://joe:s3cret@h/x.git#v1":      {Address: "https://joe@h/x.git", Ref: "v1", login: "https://joe:s3cret@h"},
		"https://joe:p%40ss@h:8443/x.git":    {Address: "https://joe@h:8443/x.git", login: "https://joe:p%40ss@h:8443"},
		"https://joe@h/x.git?subdir=a%20b/c": {Address: "https://joe@h/x.git", Folder: "a b/c"},
	} {
		if got, err := ParseRepository(source); err != nil || got != want {
			t.Errorf("%s: got %+v, error %v", source, got, err)
		}
	}
}

func TestParseRepositoryFails(t *testing.T) {
	for source, want := range map[string]string{
		"https://h/x.git#-v":             "not the name of a branch",
		"https://h/x.git?ref=%2Ba:b":     "not the name of a branch",
		"https://h/x.git?ref=a&ref=b":    `"ref" twice`,
		"https://h/x.git?ref=a#b":        `"ref" has no value, or another`,
		"https://h/x.git?tag=a&branch=a": "says the same otherwise",
		"https://h/x.git?ref":            `"ref" has no value`,
		"https://h/x.git?depth=1":        `unknown key "depth"`,
		"https://h/x.git?submodules=x":   "neither true nor false",
		"https://h/x.git?%zz=1":          "is malformed",
		"https:///x.git":                 "address is malformed",
		"https://joe:s3#cret@h/x.git":    "address is malformed",
		"https://joe:s3 cret@h:p/x.git":  "address is malformed",
	} {
		_, err := ParseRepository(source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want %q", source, err, want)
		} else if strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: the error shows the password: %v", source, err)
		}
	}
}

func TestRepositoryNames(t *testing.T) {
	for source, want := range map[string]string{
		"https://h/x.git?ref=v1&subdir=a":  "https://h/x.git#v1:a",
		"https://joe:s3cret@h/x.git#:a":    "https://h/x.git#:a",
		"https://tok3n@h/x.git":            "https://h/x.git",
		"ssh://git@h/x":                    "ssh://git@h/x",
		"git@h:x#v1":                       "git@h:x#v1",
		"ssh://git:s3cret@h/x?submodules=": "ssh://git@h/x",
	} {
		r, err := ParseRepository(source)
		if got := r.String(); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", source, got, err, want)
		}
	}
}

// FuzzParseRepository: whatever a source is, no password is where it is shown,
// and what is shown, and can be read again, means the same.
func FuzzParseRepository(f *testing.F) {
	for _, s := range []string{"https://joe:s3cret@h/x.git?ref=v1&subdir=a#:a", "git@h:x/y#v1:a", "ssh://u@h:1/x", "https://h/%zz#a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		r, err := ParseRepository(source)
		if err != nil {
			return
		}
		if u, err := url.Parse(r.Address); err == nil && strings.Contains(r.Address, "://") {
			if _, ok := u.User.Password(); ok {
				t.Errorf("the address %q has a password", r.Address)
			}
		}
		again, err := ParseRepository(r.String())
		if err == nil && r.login == "" && (again.Ref != r.Ref || again.Folder != r.Folder) {
			t.Errorf("%+v is shown as %q, which is %+v", r, r.String(), again)
		}
	})
}
