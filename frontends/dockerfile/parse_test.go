// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// Bytes that are not UTF-8 are fine in comments and one error elsewhere; the
// lines around are still parsed, and the response can be sent.
func TestNotUTF8(t *testing.T) {
	res := parse("# \xff\nFROM x\nRUN a\xff\xfe\nRUN <<EOF\n\xe9\nEOF\nUSER b\n")
	want := []string{
		"Dockerfile:3:6-3:7 error not-utf8 this byte is not UTF-8",
		"Dockerfile:5:1-5:2 error not-utf8 this byte is not UTF-8",
	}
	if got := lines(res.Diagnostics); !slices.Equal(got, want) {
		t.Errorf("diagnostics %q, want %q", got, want)
	}
	stage := res.Build.GetContainer().Stages[0]
	if len(stage.Steps) != 1 || stage.Steps[0].GetUser().GetText() != "b" || stage.Comment != "\ufffd" {
		t.Errorf("stage %v", stage)
	}
}

// Tokens and symbols cost something, so they are only made when asked for.
func TestTokensOnlyWhenAsked(t *testing.T) {
	res := Parse(&frontendv1.ParseRequest{Name: "x", Content: []byte("ARG A\nFROM $A")})
	if len(res.Tokens)+len(res.Symbols) > 0 {
		t.Errorf("%d tokens, %d symbols", len(res.Tokens), len(res.Symbols))
	}
	if res.Build.Files[0] != "x" {
		t.Errorf("files %q", res.Build.Files)
	}
}

// The wasm module answers through the same code as the function.
func TestServe(t *testing.T) {
	req := &frontendv1.ParseRequest{Name: "Dockerfile", Content: []byte(ordinary), Tokens: true}
	frame, err := frontend.AppendParse(nil, 7, req)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := frontend.Serve(frontend.Func(Parse), bytes.NewReader(frame), &out); err != nil {
		t.Fatal(err)
	}
	answer, err := frontend.ReadFrame(&out, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	got, err := frontend.DecodeParse(answer, 7)
	if err != nil || !got.EqualVT(Parse(req)) {
		t.Errorf("the answer over the wire differs (%v)", err)
	}
}

// An ordinary file has no findings at all.
func TestOrdinaryIsClean(t *testing.T) {
	if got := lines(parse(ordinary).Diagnostics); len(got) > 0 {
		t.Errorf("findings: %q", got)
	}
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	warnings := false
	for i, r := range Rules() {
		if !kebab.MatchString(r.Code) || seen[r.Code] || r.Severity == 0 || r.Doc == "" || strings.HasSuffix(r.Doc, ".") {
			t.Errorf("rule %d: %+v", i, r)
		}
		if r.Severity == warningLevel {
			warnings = true
		} else if warnings || r.BuildKit != "" {
			t.Errorf("rule %s: errors come first, and cannot be skipped", r.Code)
		}
		seen[r.Code] = true
	}
	if len(rules) > 64 {
		t.Errorf("%d rules do not fit into checkConfig.skip", len(rules))
	}
}

// Each rule is reported by some golden, so that none is dead and all messages
// have been looked at.
func TestEachRuleIsReported(t *testing.T) {
	reported := map[string]bool{"not-utf8": true} // TestNotUTF8
	for _, g := range goldens(t) {
		for _, d := range parse(g.src).Diagnostics {
			reported[d.Code] = true
		}
	}
	for _, r := range Rules() {
		if !reported[r.Code] {
			t.Errorf("no golden reports %s", r.Code)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := instructionNames()
	for in, want := range map[string]string{
		"RNU": "RUN", "rnu": "run", "FRUM": "FROM", "COPPY": "COPY", "ENTRYPOIN": "ENTRYPOINT", "HELTHCHEK": "HEALTHCHECK",
		"Rum": "RUN", "X": "", "APT": "", "RUN": "", "": "", "apt-get": "", strings.Repeat("x", 1<<20): "",
	} {
		if got, _ := suggest(in, names); got != want {
			t.Errorf("%.20q: %q, want %q", in, got, want)
		}
	}
}

func TestValues(t *testing.T) {
	for _, tc := range []struct {
		name      string
		wrong     func(string) string
		good, bad []string
	}{
		{"duration", wrongDuration, []string{"0", "0s", "1ms", "1h2m3.5s"}, []string{"", "5", "1x", "-1s", "999us"}},
		{"count", wrongCount, []string{"0", "3", "2147483647"}, []string{"", "-1", "x", "2147483648", "1.5"}},
		{"id", wrongID, []string{"0", "4294967295"}, []string{"", "-1", "root", "4294967296"}},
		{"octal", wrongOctal, []string{"0", "0755", "0o7"[:1]}, []string{"", "8", "rwx"}},
		{"bool", wrongBool, []string{"true", "false", "1", "0", "T"}, []string{"", "yes"}},
		{"size", wrongSize, []string{"1", "64m", "1.5g", "1GiB", "10kb", "5 MB"}, []string{"", "m", "1x", "1mm", "-1", "1.2.3"}},
		{"mode", wrongMode, []string{"0", "755", "0755", "7777", "u+x", "u=rw,go=r", "a-w", "+X", "g=u", "u+r-w"}, []string{"", "8", "10000", "u", "x", "u+q", "u+x,", "0x1"}},
		{"checksum", wrongChecksum, []string{"sha256:" + strings.Repeat("a", 64), "sha512:" + strings.Repeat("0", 128), "0123abc"},
			[]string{"", "abc", "sha256:abc", "sha256:" + strings.Repeat("A", 64), "md5:" + strings.Repeat("a", 32), "xyzxyzx"}},
		{"platform", wrongPlatform, []string{"linux", "linux/amd64", "linux/arm/v7", "windows(10.0.17763)/amd64"}, []string{"", "/", "linux/", "a/b/c/d", "linux amd64"}},
		{"port", func(s string) string { return parsePort(s).wrong }, []string{"0", "80", "80/tcp", "80/UDP", "1-65535/sctp", "1:2", "[::1]:1:2"},
			[]string{"", "x", "65536", "2-1", "80/x", "-1", "1-", "/tcp"}},
		{"signal", func(s string) string {
			if isSignal(s) {
				return ""
			}
			return "no"
		}, []string{"9", "TERM", "SIGTERM", "sigterm", "RTMIN+1", "SIGRTMAX-14"}, []string{"", "0", "-1", "SIG", "TERMX", "RTMIN+0", "RTMIN+99"}},
	} {
		for _, s := range tc.good {
			if wrong := tc.wrong(s); wrong != "" {
				t.Errorf("%s %q: %s", tc.name, s, wrong)
			}
		}
		for _, s := range tc.bad {
			if tc.wrong(s) == "" {
				t.Errorf("%s %q is accepted", tc.name, s)
			}
		}
	}
}

// Nothing that is fine as it is may be reported as broken JSON.
func TestLooksLikeJSON(t *testing.T) {
	for s, want := range map[string]bool{
		`["a", "b]`: true, `['a']`: true, `[a, b]`: true, `[ "a", 'b' ]`: true, `[`: false, ``: false,
		`[ -f x ]`: false, `[ "$a" = "b" ]`: false, `[ "$a" ] && b`: false, `[[ a ]]`: false, `echo ["a"]`: false, `[ "a`: false,
	} {
		if got := looksLikeJSON(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
