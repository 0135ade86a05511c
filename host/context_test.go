// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strings"
	"testing"
)

func TestParseContext(t *testing.T) {
	for text, want := range map[string]Context{
		".":                                 {Folder: "."},
		"dir/x.git":                         {Folder: "dir/x.git"},
		"github.com/team/app":               {Folder: "github.com/team/app"},
		"https://h/x.git#v1:a":              {Git: "https://h/x.git#v1:a"},
		"HTTPS://h/x.git":                   {Git: "HTTPS://h/x.git"},
		"git://h/x":                         {Git: "git://h/x"},
		"ssh://git@h/x":                     {Git: "ssh://git@h/x"},
		"git@h:x/y.git#v1":                  {Git: "git@h:x/y.git#v1"},
		"https://h/x.tar.gz?a=b":            {URL: "https://h/x.tar.gz?a=b"},
		"http://h":                          {URL: "http://h"},
		"docker-image://debian:12":          {Image: "debian:12"},
		"oci-layout://dir":                  {Layout: Layout{Path: "dir"}},
		"oci-layout:///a:b/dir:v1":          {Layout: Layout{Path: "/a:b/dir", Tag: "v1"}},
		"oci-layout:///a:b/dir":             {Layout: Layout{Path: "/a:b/dir"}},
		"oci-layout://dir@sha256:01":        {Layout: Layout{Path: "dir", Digest: "sha256:01"}},
		"oci-layout://dir:v1@sha256:01":     {Layout: Layout{Path: "dir", Tag: "v1", Digest: "sha256:01"}},
		"https://joe:s3cret@h/x.git?tag=v1": {Git: "https://joe:s3cret@h/x.git?tag=v1"},
	} {
		got, err := ParseContext(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, error %v", text, got, err)
		}
		if shown := got.String(); strings.Contains(shown, "s3cret") {
			t.Errorf("%s is shown as %s", text, shown)
		}
	}
}

func TestParseContextFails(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "it names nothing",
		"docker-image://":            "it names nothing",
		"oci-layout://":              "it names nothing",
		"ftp://joe:s3cret@h/x":       `"ftp://…@h/x" has the unknown scheme "ftp"`,
		"file:///x.git":              `unknown scheme "file"`,
		"https://":                   "written as %XX",
		"http://joe:s3cret%zz@h/x":   `"http://…@h/x" cannot be used`,
		"https://joe:s3cret%@h/.git": `"https://…@h/.git" cannot be used`,
		"https://h/x.git?nosuch=1":   "unknown key",
		"ssh://git@h/x#a b":          "not the name of a branch",
	} {
		_, err := ParseContext(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: error %v; want %s", text, err, want)
		}
	}
}

// FuzzParseContext: whatever the rest of a URL is, its password is in neither what
// is shown of it nor an error.
func FuzzParseContext(f *testing.F) {
	f.Add("https", "h/x.git#v1:a")
	f.Add("http", "h/x.tar?a=b")
	f.Add("ssh", "h/%zz?ref=a#b")
	f.Add("ftp", "h")
	f.Add("https", "@h?@/:.git")
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		const password = "s3cret-of-joe"
		c, err := ParseContext(scheme + "://joe:" + password + "@" + rest)
		if strings.Contains(scheme+rest, password) || c.Folder != "" || c.Image != "" || c.Layout != (Layout{}) {
			return
		}
		if shown := c.String(); strings.Contains(shown, password) {
			t.Errorf("it is shown as %q", shown)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the error is %v", err)
		}
	})
}
