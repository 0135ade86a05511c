// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

func TestAccess(t *testing.T) {
	for _, tt := range []struct {
		text    string
		environ string
		want    string // "" for none
		write   bool
	}{
		{"/opt/oven", "", "/opt/oven", false},
		{"/opt/oven:rw", "", "/opt/oven", true},
		{"/", "", "/", false},
		{"~", "HOME=/home/u", "/home/u", false},
		{"~/.oven:rw", "HOME=/home/u", "/home/u/.oven", true},
		{"~/.oven", "", "", false},
		{"~/.oven", "HOME=relative", "", false},
		{"~/.oven", "HOME=/first HOME=/last", "/last/.oven", false},
		{"${OVEN}", "OVEN=/srv/oven", "/srv/oven", false},
		{"${OVEN}/dough:rw", "OVEN=/srv/oven/", "/srv/oven/dough", true},
		{"${OVEN}", "", "", false},
		{"${OVEN}/dough", "OVEN=off", "", false},
		{"${OVEN}", "OVEN=~/x HOME=/home/u", "", false},
		{"${OVEN}", "OVEN=/a:/b", "/a", false},
		{"${OVEN:-~/oven}/dough:rw", "HOME=/home/u", "/home/u/oven/dough", true},
		{"${OVEN:-~/oven}/dough", "OVEN= HOME=/home/u", "/home/u/oven/dough", false},
		{"${OVEN:-~/oven}", "", "", false},
		{"${OVEN:-/etc/oven}", "", "/etc/oven", false},
		{"${OVEN:-/etc/oven}", "OVEN=/x", "/x", false},
	} {
		a, err := manifest.ParseAccess(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		got, ok := a.Expand(strings.Fields(tt.environ))
		if ok != (tt.want != "") || ok && got != tt.want || a.Write != tt.write {
			t.Errorf("%s with %q: %q, %t, write %t", tt.text, tt.environ, got, ok, a.Write)
		}
	}
}

func TestBadAccess(t *testing.T) {
	for _, text := range []string{
		"", ":rw", "oven", "./oven", "../oven", "~oven", "~/", "/a/../b", "/a//b", "/a/", "/a:b", "/a:ro", "/a:rw:rw", "/a\nb",
		"the oven (OVEN_HOME)", "$OVEN", "${OVEN", "${}", "${1}", "${OVEN*}", "${OVEN:-}", "${OVEN:-oven}", "${OVEN:-/a/}", "${OVEN:-${B}}",
		"${OVEN}x", "${OVEN}/", "${OVEN}/../x", "${A}${B}", "/${OVEN}", "${OVEN:=/a}",
	} {
		if a, err := manifest.ParseAccess(text); err == nil {
			t.Errorf("%q is %+v", text, a)
		}
	}
}

func FuzzParseAccess(f *testing.F) {
	f.Add("${OVEN:-~/oven}/dough:rw", "/srv")
	f.Add("~/.oven", "relative:/b")
	f.Fuzz(func(t *testing.T, text, value string) {
		a, err := manifest.ParseAccess(text)
		if err != nil {
			return
		}
		file, ok := a.Expand([]string{"HOME=" + value, a.Variable + "=" + value})
		if ok && (file == "" || file[0] != '/' || strings.Contains(file+"/", "/../")) {
			t.Errorf("%q with %q is %q", text, value, file)
		}
	})
}
