// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestCopyPlaces(t *testing.T) {
	from := context(t, folder(t, map[string]string{
		"f": "f", "g": "g", "d/x": "x", "d/sub/y": "y", "d/to-f": "-> ../f", "lf": "-> f", "ld": "-> d", "space name": "s", "e/": "",
	}))
	for name, c := range map[string]struct {
		step *irv1.Transfer
		want []string
	}{
		"file to name":        {copyOf("/new/name", "f"), []string{"d 755 0:0 new", `f 644 0:0 new/name "f"`}},
		"file to folder":      {copyOf("/new/", "f"), []string{"d 755 0:0 new", `f 644 0:0 new/f "f"`}},
		"file to existing":    {copyOf("/srv", "f"), []string{"d 755 0:0 srv", `f 644 0:0 srv/f "f"`}},
		"file over file":      {copyOf("/etc/group", "f"), []string{"d 755 0:0 etc", `f 644 0:0 etc/group "f"`}},
		"file through link":   {copyOf("/bin/sh", "f"), []string{"d 755 0:0 bin", `f 644 0:0 bin/busybox "f"`}},
		"file to root":        {copyOf("/", "f"), []string{`f 644 0:0 f "f"`}},
		"folder":              {copyOf("/new", "d"), []string{"d 755 0:0 new", "d 755 0:0 new/sub", `f 644 0:0 new/sub/y "y"`, "l 777 0:0 new/to-f -> ../f", `f 644 0:0 new/x "x"`}},
		"folder to existing":  {copyOf("/srv", "d"), []string{"d 755 0:0 srv", "d 755 0:0 srv/sub", `f 644 0:0 srv/sub/y "y"`, "l 777 0:0 srv/to-f -> ../f", `f 644 0:0 srv/x "x"`}},
		"folder to root":      {copyOf("/", "d/sub"), []string{`f 644 0:0 y "y"`}},
		"link to file":        {copyOf("/srv/", "lf"), []string{"d 755 0:0 srv", `f 644 0:0 srv/lf "f"`}},
		"link to folder":      {copyOf("/srv/", "ld/sub"), []string{"d 755 0:0 srv", `f 644 0:0 srv/y "y"`}},
		"several":             {copyOf("/n/", "f", "g", "d/sub"), []string{"d 755 0:0 n", `f 644 0:0 n/f "f"`, `f 644 0:0 n/g "g"`, `f 644 0:0 n/y "y"`}},
		"wildcard":            {&irv1.Transfer{Sources: []string{"?"}, Destination: "/n/", Exclude: []string{"g", "sub"}}, []string{"d 755 0:0 n", `f 644 0:0 n/f "f"`, "l 777 0:0 n/to-f -> ../f", `f 644 0:0 n/x "x"`}},
		"wildcard below link": {copyOf("/n/", "ld/s*"), []string{"d 755 0:0 n", `f 644 0:0 n/y "y"`}},
		"space":               {copyOf("/a b", "space name"), []string{`f 644 0:0 a b "s"`}},
		"parents":             {&irv1.Transfer{Sources: []string{"d/sub/y", "f"}, Destination: "/n", Parents: true}, []string{"d 755 0:0 n", "d 755 0:0 n/d", "d 755 0:0 n/d/sub", `f 644 0:0 n/d/sub/y "y"`, `f 644 0:0 n/f "f"`}},
		"parents of a folder": {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n", Parents: true}, []string{"d 755 0:0 n", "d 755 0:0 n/d", "d 755 0:0 n/d/sub", `f 644 0:0 n/d/sub/y "y"`}},
		"parents from a dot":  {&irv1.Transfer{Sources: []string{"d/./sub/y"}, Destination: "/n", Parents: true}, []string{"d 755 0:0 n", "d 755 0:0 n/sub", `f 644 0:0 n/sub/y "y"`}},
		"parents, deep":       {&irv1.Transfer{Sources: []string{"**/y"}, Destination: "/n", Parents: true}, []string{"d 755 0:0 n", "d 755 0:0 n/d", "d 755 0:0 n/d/sub", `f 644 0:0 n/d/sub/y "y"`}},
		"parents, excluded":   {&irv1.Transfer{Sources: []string{"d", "f"}, Destination: "/n", Parents: true, Exclude: []string{"sub", "f", "to*"}}, []string{"d 755 0:0 n", "d 755 0:0 n/d", `f 644 0:0 n/d/x "x"`}},
		"chown by number":     {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n/m", Chown: "5"}, []string{"d 755 5:5 n", "d 755 5:5 n/m", `f 644 5:5 n/m/y "y"`}},
		"chown by name":       {&irv1.Transfer{Sources: []string{"f"}, Destination: "/n", Chown: "web:extra"}, []string{`f 644 33:50 n "f"`}},
		"chmod":               {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n", Chmod: "4751"}, []string{"d 751 0:0 n", `f 4751 0:0 n/y "y"`}},
		"chmod of made":       {&irv1.Transfer{Sources: []string{"d"}, Destination: "/n/m", Chmod: "700", Exclude: []string{"*.*", "x", "to-f"}}, []string{"d 700 0:0 n", "d 700 0:0 n/m", "d 700 0:0 n/m/sub", `f 700 0:0 n/m/sub/y "y"`}},
		"chmod of a link":     {&irv1.Transfer{Sources: []string{"."}, Destination: "/", Chmod: "u=rwX,go=X", Exclude: []string{"*", "!d", "d/*", "!d/to-f"}}, []string{"d 711 0:0 d", "l 777 0:0 d/to-f -> ../f"}},
		"chmod symbolic":      {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n", Chmod: "u=rwX,go=X"}, []string{"d 755 0:0 n", `f 600 0:0 n/y "y"`}},
		"link flag":           {&irv1.Transfer{Sources: []string{"f"}, Destination: "/srv/s/", Link: true}, []string{"d 755 0:0 srv", "d 755 0:0 srv/s", `f 644 0:0 srv/s/f "f"`}},
		"link flag, no links": {&irv1.Transfer{Sources: []string{"f"}, Destination: "/bin/sh", Link: true, Chown: "web"}, []string{"d 755 33:34 bin", `f 644 33:34 bin/sh "f"`}},
		"inline":              {&irv1.Transfer{Inline: []*irv1.InlineFile{{Name: "i", Content: []byte("in\n")}}, Destination: "/srv/", Chmod: "755", Chown: "web"}, []string{"d 755 0:0 srv", `f 755 33:34 srv/i "in\n"`}},
		"inline to name":      {&irv1.Transfer{Inline: []*irv1.InlineFile{{Name: "i", Content: []byte("in\n")}}, Destination: "/q"}, []string{`f 644 0:0 q "in\n"`}},
		"inline and file":     {&irv1.Transfer{Sources: []string{"f"}, Inline: []*irv1.InlineFile{{Name: "i"}}, Destination: "/q"}, []string{"d 755 0:0 q", `f 644 0:0 q/f "f"`, `f 644 0:0 q/i ""`}},
		"whole context":       {&irv1.Transfer{Sources: []string{"."}, Destination: "/all/", Exclude: []string{"d", "*f", "space*"}}, []string{"d 755 0:0 all", "d 755 0:0 all/e", `f 644 0:0 all/g "g"`, "l 777 0:0 all/ld -> d"}},
		"excluded file":       {&irv1.Transfer{Sources: []string{"f"}, Destination: "/n/", Exclude: []string{"f"}}, []string{"d 755 0:0 n"}},
		"put back":            {&irv1.Transfer{Sources: []string{"d"}, Destination: "/n/", Exclude: []string{"*", "!sub/y"}}, []string{"d 755 0:0 n", "d 755 0:0 n/sub", `f 644 0:0 n/sub/y "y"`}},
		"nothing matches":     {copyOf("/n/", "*.nope"), nil},
		"something matches":   {copyOf("/n/", "*.nope", "f", "d/*.nope"), []string{"d 755 0:0 n", `f 644 0:0 n/f "f"`}},
		"inline, no match":    {&irv1.Transfer{Sources: []string{"*.nope"}, Inline: []*irv1.InlineFile{{Name: "i"}}, Destination: "/n/"}, []string{"d 755 0:0 n", `f 644 0:0 n/i ""`}},
		"parents, no match":   {&irv1.Transfer{Sources: []string{"**/nope"}, Destination: "/n/", Parents: true}, nil},
		"below root":          {copyOf("/../../n", "f"), []string{`f 644 0:0 n "f"`}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := plan(t, transfer.Job{Step: c.step, From: from, Onto: debian(t)})
			must(t, err)
			wantLines(t, entries, c.want...)
		})
	}
}

func TestCopyOntoLinks(t *testing.T) {
	onto := debian(t, "d 700 1:2 usr", "d 711 3:4 usr/lib", "l 777 0:0 lib -> usr/lib", "l 777 0:0 in -> /usr/lib",
		"l 777 0:0 l2 -> ../nowhere", "l 777 0:0 deep -> l2/er", "l 777 0:0 out -> ../../../../srv")
	from := context(t, folder(t, map[string]string{"lib/in": "in", "lib/deep/er": "er", "l2/f": "f", "f": "f"}))
	for name, c := range map[string]struct {
		to, source string
		want       []string
	}{
		"folder onto link":    {"/", ".", []string{`f 644 0:0 f "f"`, "d 755 0:0 l2", `f 644 0:0 l2/f "f"`, "d 700 1:2 usr", "d 711 3:4 usr/lib", "d 755 0:0 usr/lib/deep", `f 644 0:0 usr/lib/deep/er "er"`, `f 644 0:0 usr/lib/in "in"`}},
		"destination a link":  {"/in", "f", []string{"d 700 1:2 usr", "d 711 3:4 usr/lib", `f 644 0:0 usr/lib/f "f"`}},
		"parent a link":       {"/in/new/f", "f", []string{"d 700 1:2 usr", "d 711 3:4 usr/lib", "d 755 0:0 usr/lib/new", `f 644 0:0 usr/lib/new/f "f"`}},
		"link out":            {"/out/f", "f", []string{"d 755 0:0 srv", `f 644 0:0 srv/f "f"`}},
		"dangling":            {"/l2", "f", []string{`f 644 0:0 nowhere "f"`}},
		"parent dangling":     {"/deep/f", "f", []string{"d 755 0:0 nowhere", "d 755 0:0 nowhere/er", `f 644 0:0 nowhere/er/f "f"`}},
		"nothing of the link": {"/in/../x", "f", []string{"d 700 1:2 usr", `f 644 0:0 usr/x "f"`}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := plan(t, transfer.Job{Step: copyOf(c.to, c.source), From: from, Onto: onto})
			must(t, err)
			wantLines(t, entries, c.want...)
		})
	}
}

func TestCopyFromImage(t *testing.T) {
	from := debian(t, "d 2775 7:8 o", `f 640 33:34 o/f "x\n"`, "h 0 0:0 o/g -> o/f", "l 777 0:0 via -> /o",
		"c 600 0:0 o/null", "p 600 0:0 o/pipe", `f 644 0:0 o/empty ""`, "l 777 5:6 o/link -> /o/f")
	for name, c := range map[string]struct {
		step *irv1.Transfer
		want []string
	}{
		"owners": {copyOf("/kept", "via"), []string{"d 755 0:0 kept", `f 644 0:0 kept/empty ""`, `f 640 33:34 kept/f "x\n"`, "h kept/g -> kept/f",
			"l 777 5:6 kept/link -> /o/f", "c 600 0:0 kept/null", "p 600 0:0 kept/pipe"}},
		"chown":               {&irv1.Transfer{Sources: []string{"o/f"}, Destination: "/owned", Chown: "7:8"}, []string{`f 640 7:8 owned "x\n"`}},
		"wildcard":            {copyOf("/img/", "etc/gr*"), []string{"d 755 0:0 img", `f 644 0:0 img/group "www:x:34:\nextra:x:50:\n"`}},
		"links":               {copyOf("/n/", "o/[fg]"), []string{"d 755 0:0 n", `f 640 33:34 n/f "x\n"`, "h n/g -> n/f"}},
		"one file, two ways":  {copyOf("/n/", "o/f", "o/link"), []string{"d 755 0:0 n", `f 640 33:34 n/f "x\n"`, `f 640 33:34 n/link "x\n"`}},
		"parents with owners": {&irv1.Transfer{Sources: []string{"o/f"}, Destination: "/n", Parents: true}, []string{"d 755 0:0 n", "d 2775 7:8 n/o", `f 640 33:34 n/o/f "x\n"`}},
		"parents via a link":  {&irv1.Transfer{Sources: []string{"via/f"}, Destination: "/n", Parents: true}, []string{"d 755 0:0 n", "d 2775 7:8 n/via", `f 640 33:34 n/via/f "x\n"`}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := plan(t, transfer.Job{Step: c.step, From: from, Onto: image(t)})
			must(t, err)
			wantLines(t, entries, c.want...)
		})
	}
}

func TestIgnoreRules(t *testing.T) {
	from := context(t, folder(t, map[string]string{"a.md": "a", "keep.md": "k", "d/b.md": "b", "d/c": "c"}), "**/*.md", "!keep.md")
	entries, err := plan(t, transfer.Job{Step: copyOf("/", "."), From: from, Onto: image(t)})
	must(t, err)
	wantLines(t, entries, "d 755 0:0 d", `f 644 0:0 d/c "c"`, `f 644 0:0 keep.md "k"`)
}
