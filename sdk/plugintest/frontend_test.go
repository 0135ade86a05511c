// SPDX-License-Identifier: Apache-2.0

package plugintest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// recorder is a test that is allowed to fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Error(args ...any)         { r.errors = append(r.errors, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }

// wants compares what failed with what should: exactly one error with the text,
// or none.
func (r *recorder) wants(t *testing.T, want string) {
	t.Helper()
	if want == "" && len(r.errors) > 0 {
		t.Errorf("failed with %q", r.errors)
	}
	if want != "" && !strings.Contains(strings.Join(r.errors, "\n"), want) {
		t.Errorf("failed with %q, want %q", r.errors, want)
	}
}

const source = "from scratch # é𝄞\nend\n"

// words returns a good response: a scratch build whose base is the second word.
func words(src []byte) *frontendv1.ParseResponse {
	m := diag.NewMapper(src)
	if !strings.HasPrefix(string(src), "from ") {
		return &frontendv1.ParseResponse{Diagnostics: []*diagv1.Diagnostic{diag.Error(m.Range(0, 0), "no-from", "no from")}}
	}
	return &frontendv1.ParseResponse{
		Build: &irv1.Build{Files: []string{"f"}, Kind: &irv1.Build_Container{Container: &irv1.Container{
			Escape: "\\",
			Stages: []*irv1.Stage{{Base: &irv1.Word{Text: "scratch", Range: m.Range(5, 12)}, Range: m.Range(0, 12), Text: "from scratch"}},
		}}},
		Diagnostics: []*diagv1.Diagnostic{
			diag.Warning(m.Range(15, 19), "strange-text", "strange text"),
			diag.Warning(m.Range(20, 23), "late-word", "late word"),
		},
		Tokens: []*frontendv1.Token{
			{Kind: frontendv1.TokenKind_TOKEN_KIND_KEYWORD, Range: m.Range(0, 4)},
			{Kind: frontendv1.TokenKind_TOKEN_KIND_STRING, Range: m.Range(5, 12)},
		},
	}
}

func TestParseFindsWhatIsWrong(t *testing.T) {
	calls := 0
	for _, tt := range []struct {
		name   string
		change func(*frontendv1.ParseResponse)
		want   string
	}{
		{"nothing", func(*frontendv1.ParseResponse) {}, ""},
		{"severity", func(r *frontendv1.ParseResponse) { r.Diagnostics[0].Severity = 0 }, "[D1] [0].severity is not set"},
		{"code", func(r *frontendv1.ParseResponse) { r.Diagnostics[0].Code = "Bad Code" }, "kebab-case"},
		{"message", func(r *frontendv1.ParseResponse) { r.Diagnostics[1].Message = "" }, "[D1] [1].message is empty"},
		{"order", func(r *frontendv1.ParseResponse) {
			r.Diagnostics[0], r.Diagnostics[1] = r.Diagnostics[1], r.Diagnostics[0]
		}, "[D4]"},
		{"line past the end", func(r *frontendv1.ParseResponse) { r.Diagnostics[1].Range.EndLine = 9 }, "[D2]"},
		{"column past the end", func(r *frontendv1.ParseResponse) { r.Tokens[1].Range.EndColumn = 99 }, "[D2]"},
		{"utf-16", func(r *frontendv1.ParseResponse) { r.Diagnostics[0].Range.EndColumnUtf16++ }, "[D3]"},
		{"backwards", func(r *frontendv1.ParseResponse) { r.Tokens[1].Range.EndColumn = 2 }, "ends before it starts"},
		{"file", func(r *frontendv1.ParseResponse) { r.Diagnostics[0].Range.File = 3 }, "in file 3"},
		{"edits", func(r *frontendv1.ParseResponse) {
			e := &diagv1.Edit{Range: r.Tokens[0].Range}
			r.Diagnostics[0].Fixes = []*diagv1.Fix{{Title: "t", Edits: []*diagv1.Edit{e, e}}}
		}, "[D5]"},
		{"tokens", func(r *frontendv1.ParseResponse) { r.Tokens = append(r.Tokens, r.Tokens[0]) }, "overlaps"},
		{"need", func(r *frontendv1.ParseResponse) {
			r.Needs = []*frontendv1.Need{{Kind: frontendv1.NeedKind_NEED_KIND_READ, Paths: []string{"../x"}}}
		}, "[F9]"},
		{"no build", func(r *frontendv1.ParseResponse) { r.Build = nil }, "[F8]"},
		{"invalid build", func(r *frontendv1.ParseResponse) { r.Build.GetContainer().Stages = nil }, "[S1]"},
		{"range in the build", func(r *frontendv1.ParseResponse) {
			r.Build.GetContainer().Stages[0].Base.Range.EndColumn = 77
		}, "container.stages[0].base"},
		{"another answer each time", func(r *frontendv1.ParseResponse) {
			calls++
			r.Diagnostics[0].Message = fmt.Sprint(calls)
		}, "[F5]"},
		{"panic", func(r *frontendv1.ParseResponse) { panic("confused") }, "confused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{TB: t}
			plugintest.Parse(r, frontend.Func(func(q *frontendv1.ParseRequest) *frontendv1.ParseResponse {
				res := words(q.GetContent())
				if string(q.GetContent()) == source {
					tt.change(res)
				}
				return res
			}), "f", source)
			r.wants(t, tt.want)
		})
	}
}

func TestParseLooksIntoFilesThatWereNeeded(t *testing.T) {
	request := &frontendv1.ParseRequest{Name: "f", Content: []byte(source), Files: []*frontendv1.File{{Path: "inc", Content: []byte("abc")}}}
	for column, want := range map[uint32]string{4: "", 5: "[D2]"} {
		r := &recorder{TB: t}
		plugintest.ParseRequest(r, frontend.Func(func(q *frontendv1.ParseRequest) *frontendv1.ParseResponse {
			res := words([]byte(source))
			res.Build.Files = append(res.Build.Files, "inc")
			res.Diagnostics = res.Diagnostics[:1]
			res.Diagnostics[0].Range = &diagv1.Range{File: 1, Line: 1, Column: 1, ColumnUtf16: 1, EndLine: 1, EndColumn: column, EndColumnUtf16: column}
			return res
		}), request)
		r.wants(t, want)
	}
}
