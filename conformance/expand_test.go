// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/zlayer/zlayer/sdk/ir/expand"
)

// Where expand and BuildKit v0.34 differ on purpose. The random test below
// leaves these words out; everything else has to agree.
//
//   - In ${v//pattern/to}, "$" in "to" is text. BuildKit hands "to" to Go's
//     regexp as a template, so that "$1" or "${x}" vanish from it.
//   - Splitting into words keeps the text before ${v:-…} and other modifiers.
//     BuildKit's splitter loses it: EXPOSE 80${x:-8} gives 8.
//   - Bytes that are not UTF-8 stay as they are; file names may have them.
//     BuildKit turns each into U+FFFD, and drops a byte order mark.
//   - A pattern that ends in a lone backslash (possible when "`" escapes) is
//     always an error. BuildKit lets it escape the character before it in a
//     suffix pattern.
//   - More than 500 nested ${…} are an error. BuildKit recurses without bound.

// shellFile reads a test file of BuildKit's shell package.
func shellFile(t *testing.T, name string) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	if err != nil {
		t.Fatalf("finding buildkit in the module cache: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "frontend/dockerfile/shell", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func envOf(list []string) expand.Env {
	return func(name string) (string, bool) {
		for _, kv := range slices.Backward(list) {
			if k, v, _ := strings.Cut(kv, "="); k == name {
				return v, true
			}
		}
		return "", false
	}
}

// foldedEnvOf is envOf where names are the same whatever their case, as on
// Windows.
func foldedEnvOf(list []string) expand.Env {
	return func(name string) (string, bool) {
		for _, kv := range slices.Backward(list) {
			if k, v, _ := strings.Cut(kv, "="); strings.EqualFold(k, name) {
				return v, true
			}
		}
		return "", false
	}
}

// All lines are run: those of Windows (W) with its kind of environment.
func TestExpandBuildKitEnvVars(t *testing.T) {
	list := []string{"PWD=/home", "SHELL=bash", "KOREAN=한국어", "NULL="}
	ran := 0
	for i, line := range strings.Split(shellFile(t, "envVarTest"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		env := envOf(list)
		if strings.HasPrefix(line, "W|") {
			env = foldedEnvOf(list)
		}
		parts := strings.Split(line, "|")
		source, want := strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2])
		got, err := expand.Lex{}.Word(source, env)
		if want == "error" {
			if err == nil {
				t.Errorf("line %d: %s: got %q, want an error", i+1, source, got.Text)
			}
		} else if err != nil || got.Text != want {
			t.Errorf("line %d: %s: got %q, %v; want %q", i+1, source, got.Text, err, want)
		}
		ran++
	}
	if ran < 230 {
		t.Errorf("only %d lines ran", ran)
	}
	t.Logf("%d lines", ran)
}

func TestExpandBuildKitWords(t *testing.T) {
	var env []string
	ran := 0
	for i, line := range strings.Split(strings.TrimRight(shellFile(t, "wordsTest"), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if v, ok := strings.CutPrefix(line, "ENV "); ok {
			env = append(env, strings.TrimLeft(v, " "))
			continue
		}
		source, expected, _ := strings.Cut(line, "|")
		want := strings.Split(strings.TrimLeft(expected, " "), ",")
		got, _, err := expand.Lex{}.Words(strings.TrimSpace(source), envOf(env))
		if err != nil {
			got = []string{"error"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("line %d: %s: got %q, want %q", i+1, source, got, want)
		}
		ran++
	}
	t.Logf("%d lines", ran)
}

// peers expands one word with both implementations and compares.
type peers struct {
	lex    expand.Lex
	oracle *shell.Lex
	env    []string
}

func newPeers(escape byte, keepQuotes bool, env []string) peers {
	oracle := shell.NewLex(rune(escape))
	oracle.SkipProcessQuotes = keepQuotes
	return peers{expand.Lex{Escape: escape, KeepQuotes: keepQuotes}, oracle, env}
}

func (p peers) compare(word string) error {
	want, wantErr := p.oracle.ProcessWordWithMatches(word, shell.EnvsFromSlice(p.env))
	got, err := p.lex.Word(word, envOf(p.env))
	if (err != nil) != (wantErr != nil) {
		return fmt.Errorf("Word(%q): error %v, BuildKit's %v", word, err, wantErr)
	}
	if err == nil {
		if got.Text != want.Result {
			return fmt.Errorf("Word(%q) = %q, BuildKit's %q", word, got.Text, want.Result)
		}
		if !sameSet(got.Used, want.Matched) || !sameSet(got.Unset, want.Unmatched) {
			return fmt.Errorf("Word(%q) looked up %q and missed %q, BuildKit %v and %v", word, got.Used, got.Unset, want.Matched, want.Unmatched)
		}
	}
	if strings.Contains(word, "${") && strings.ContainsAny(word, ":-+?#%/") {
		return nil // the second difference above
	}
	wantWords, wantErr := p.oracle.ProcessWords(word, shell.EnvsFromSlice(p.env))
	gotWords, _, err := p.lex.Words(word, envOf(p.env))
	if (err != nil) != (wantErr != nil) || err == nil && !slices.Equal(gotWords, wantWords) {
		return fmt.Errorf("Words(%q) = %q, %v; BuildKit's %q, %v", word, gotWords, err, wantWords, wantErr)
	}
	return nil
}

func sameSet(list []string, set map[string]struct{}) bool {
	for _, x := range list {
		if _, ok := set[x]; !ok {
			return false
		}
	}
	return len(list) == len(set)
}

// differs says whether a word is one of the listed differences.
func differs(word string, escape byte) bool {
	if strings.Contains(word, "//") && strings.Count(word, "$") > 1 {
		return true
	}
	if escape == '`' && strings.Contains(word, `\`) && strings.Contains(word, "%") {
		return true
	}
	return strings.ToValidUTF8(word, "") != word || strings.ContainsAny(word, "\ufeff\x00") || strings.Count(word, "${") > 500
}

var fuzzEnv = []string{
	"A=aab/c.d*e", "B=", "C= two  words ", `D=back\slash\\`, "E=q'u\"o", "F=line\nline2", "G=한국어국", "H=$A", "Z_1=*?",
}

func FuzzExpandAgainstBuildKit(f *testing.F) {
	for _, s := range []string{"a$A", "${A#*a}", `"${C%% *}"`, "${A/a/x}", `${D//\\\\/x}`, "<< $C", `${B:-'a b'}`} {
		f.Add(s, false, false)
	}
	f.Fuzz(func(t *testing.T, word string, backtick, keepQuotes bool) {
		escape := byte('\\')
		if backtick {
			escape = '`'
		}
		if differs(word, escape) {
			return // listed above, with the reason
		}
		if err := newPeers(escape, keepQuotes, fuzzEnv).compare(word); err != nil {
			t.Error(err)
		}
	})
}

// TestExpandRandomAgainstBuildKit compares on random words made of the pieces
// that mean something, from a fixed seed.
func TestExpandRandomAgainstBuildKit(t *testing.T) {
	pieces := strings.Split("${|}|$|:|-|+|?|#|%|/|//|'|\"|\\|`|*| |a|b|A|B|C|D|E|F|G|UNSET|1|@|<|<<|{|.|\t|\n|국|x y|${A|${C:-|${D#|${F%|${G/|${B:+|\\*|\\?|\\\\|\\/|\\}", "|")
	rng := rand.New(rand.NewPCG(1, 2))
	compared, failures := 0, 0
	for range 300_000 {
		var b strings.Builder
		for range 1 + rng.IntN(12) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		word := b.String()
		escape := "\\`"[rng.IntN(2)]
		if differs(word, escape) {
			continue
		}
		if err := newPeers(escape, rng.IntN(4) == 0, fuzzEnv).compare(word); err != nil {
			t.Errorf("escape %q: %v", escape, err)
			if failures++; failures > 20 {
				t.FailNow()
			}
		}
		compared++
	}
	t.Logf("%d words", compared)
}
