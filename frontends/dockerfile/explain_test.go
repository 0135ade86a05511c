// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/frontends/zimagefile"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// What ir.Dockerfile writes is parsed here again: the builds are equal, or it
// says what it cannot write.

// explain parses what ir.Dockerfile makes of a build that is known to be right,
// and returns the text. "" when it cannot be written.
func explain(t *testing.T, b *irv1.Build, same func(*irv1.Build) string) string {
	t.Helper()
	if err := ir.Validate(b); err != nil {
		t.Fatalf("%v\n%s", err, ir.Text(b))
	}
	text, ds := ir.Dockerfile(b)
	if len(ds) > 0 {
		checkRefusal(t, ds)
		return ""
	}
	again := parse(text)
	if diag.HasErrors(again.Diagnostics) {
		t.Fatalf("%s\nwas written as\n%s\nwhich has %v", ir.Text(b), text, lines(again.Diagnostics))
	}
	if d := cmp.Diff(same(b), same(again.Build)); d != "" {
		t.Fatalf("%s\nwas written as\n%s\nand read with - as +:\n%s", ir.Text(b), text, d)
	}
	if twice, ds := ir.Dockerfile(again.Build); twice != text || len(ds) > 0 {
		t.Fatalf("%s\nwas written again as\n%s%v", text, twice, lines(ds))
	}
	return text
}

// checkRefusal wants a range and a message with each finding.
func checkRefusal(t *testing.T, ds []*diagv1.Diagnostic) {
	t.Helper()
	for _, d := range ds {
		if d.Code != "not-in-dockerfile" || d.Range.GetLine() == 0 || strings.ContainsAny(d.Message, "\n\r\x00") {
			t.Fatalf("malformed diagnostic %v", d)
		}
	}
}

// explainDockerfile allows other source texts: how an instruction was spelt is
// not kept.
func explainDockerfile(t *testing.T, src string) string {
	t.Helper()
	res := parse(src)
	if diag.HasErrors(res.Diagnostics) {
		return ""
	}
	return explain(t, res.Build, meaning)
}

// explainZImagefile allows no difference at all: the source texts of a
// ZImagefile are those of its Dockerfile, so both give the same image.
func explainZImagefile(t *testing.T, src string) string {
	t.Helper()
	res := parseZImagefile(src)
	if len(res.Needs) > 0 || diag.HasErrors(res.Diagnostics) {
		return ""
	}
	return explain(t, res.Build, ir.Text)
}

func parseZImagefile(src string) *frontendv1.ParseResponse {
	return zimagefile.Parse(&frontendv1.ParseRequest{Name: "ZImagefile", Content: []byte(src)})
}

// meaning is the text of a build without its source texts.
func meaning(b *irv1.Build) string {
	b = b.CloneVT()
	ir.Walk(b, func(_ string, node any) bool {
		switch n := node.(type) {
		case *irv1.Step:
			n.Text = ""
		case *irv1.Stage:
			n.Text = ""
		}
		return true
	})
	return ir.Text(b)
}

// TestExplain: of what can be built, only what needs these cannot be written.
func TestExplain(t *testing.T) {
	notInDockerfile := []string{"wasm", "exec.env"}
	for name, set := range map[string]struct {
		files   map[string]string
		parse   func(string) *frontendv1.ParseResponse
		explain func(*testing.T, string) string
	}{
		"goldens":            {dockerfileGoldens(t), parse, explainDockerfile},
		"ZImagefile goldens": {zimagefileGoldens(t), parseZImagefile, explainZImagefile},
		"vectors":            {vectorFiles(t, "dockerfile-"), parse, explainDockerfile},
		"ZImagefile vectors": {vectorFiles(t, "zimagefile-"), parseZImagefile, explainZImagefile},
		"container vectors":  {containerFiles(t), parse, explainDockerfile},
		"BuildKit":           {buildkitSources(t), parse, explainDockerfile},
		"valid":              {numbered(append(validDockerfiles, ordinary)), parse, explainDockerfile},
	} {
		t.Run(name, func(t *testing.T) {
			for name, src := range set.files {
				t.Run(name, func(t *testing.T) {
					res := set.parse(src)
					want := len(res.Needs) == 0 && !diag.HasErrors(res.Diagnostics) &&
						!slices.ContainsFunc(notInDockerfile, func(id string) bool { return slices.Contains(res.Build.Features, id) })
					if got := set.explain(t, src) != ""; got != want {
						t.Errorf("it is written: %v, want %v", got, want)
					}
				})
			}
		})
	}
}

func dockerfileGoldens(t testing.TB) map[string]string {
	files := map[string]string{}
	for _, g := range goldens(t) {
		files[filepath.Base(g.file)] = g.src
	}
	return files
}

func zimagefileGoldens(t testing.TB) map[string]string {
	t.Helper()
	list, err := filepath.Glob("../zimagefile/testdata/*.txtar")
	if err != nil || len(list) == 0 {
		t.Fatalf("no goldens of ZImagefiles: %v", err)
	}
	files := map[string]string{}
	for _, file := range list {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(file)] = string(a.Files[0].Data)
	}
	return files
}

func vectorFiles(t testing.TB, prefix string) map[string]string {
	t.Helper()
	all, err := vectors.Frontends()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, v := range all {
		if strings.HasPrefix(v.Name, prefix) {
			files[v.Name] = string(v.Content)
		}
	}
	return files
}

func containerFiles(t testing.TB) map[string]string {
	t.Helper()
	all, err := vectors.Containers()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, v := range all {
		src, _ := v.File("Dockerfile")
		files[v.Name] = string(src)
	}
	return files
}

func buildkitSources(t *testing.T) map[string]string {
	files := map[string]string{}
	for _, file := range slices.Concat(buildkitFiles(t, "testfiles/*/Dockerfile", 33), buildkitFiles(t, "testfile-line/Dockerfile", 1)) {
		files[filepath.Base(filepath.Dir(file))] = string(read(t, file))
	}
	return files
}

func numbered(list []string) map[string]string {
	files := map[string]string{}
	for i, src := range list {
		files[string(rune('a'+i/26))+string(rune('a'+i%26))] = src
	}
	return files
}

// FuzzExplain reads a text in both languages.
func FuzzExplain(f *testing.F) {
	for _, files := range []map[string]string{dockerfileGoldens(f), zimagefileGoldens(f), vectorFiles(f, ""), numbered(append(seeds, validDockerfiles...))} {
		for _, src := range files {
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		explainDockerfile(t, src)
		explainZImagefile(t, src)
	})
}

// FuzzExplainBuild puts two texts into words, comments or here-documents of a
// build: what is written, and read without an error, is equal.
func FuzzExplainBuild(f *testing.F) {
	for i, src := range validDockerfiles {
		f.Add(src, uint(i), "a\\ b", uint(2*i), "\"")
	}
	for i, text := range []string{"--", "[", "<<a", "a=b", " ", "\u00a0", "\\", "`", "'", "\"", "$", "${", "#", "\t", "TRUE", "\r", "\n", "\x00", "=", ",", "x <<\"EOF\""} {
		f.Add(ordinary, uint(i), text, uint(7*i), "x"+text+"y")
	}
	f.Fuzz(func(t *testing.T, src string, first uint, a string, second uint, b string) {
		res := parse(src)
		if diag.HasErrors(res.Diagnostics) {
			return
		}
		places := freeTexts(res.Build)
		*places[first%uint(len(places))] = a
		*places[second%uint(len(places))] = b
		res.Build.Features = ir.SourceFeatures(res.Build)
		if ir.Validate(res.Build) != nil {
			return
		}
		text, ds := ir.Dockerfile(res.Build)
		again := parse(text)
		if len(ds) > 0 || diag.HasErrors(again.Diagnostics) {
			return
		}
		if d := cmp.Diff(meaning(res.Build), meaning(again.Build)); d != "" {
			t.Fatalf("%s\nwas written as\n%s\nand read with - as +:\n%s", ir.Text(res.Build), text, d)
		}
	})
}

// freeTexts returns the texts of a build that a frontend is free in.
func freeTexts(b *irv1.Build) []*string {
	list := []*string{&b.GetContainer().Escape}
	ir.Walk(b, func(_ string, node any) bool {
		switch n := node.(type) {
		case *irv1.Step:
			list = append(list, &n.Comment)
		case *irv1.Stage:
			list = append(list, &n.Comment)
		case *irv1.Word:
			list = append(list, &n.Text)
		case *irv1.Heredoc:
			list = append(list, &n.Name, &n.Content)
		}
		return true
	})
	return list
}
