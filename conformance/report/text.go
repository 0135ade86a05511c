// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// out writes text and remembers the first error.
type out struct {
	w   io.Writer
	err error
}

func (o *out) printf(format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, format, args...)
	}
}

// text is the report for people at a terminal: a line for each case that did
// not pass, as it comes; then the counts and what is wrong.
type text struct {
	out
	Options
	last string // what the last line said of its case
	like int    // how many cases in a row it said that of
}

// enough is how many lines in a row say the same of their cases.
const enough = 3

func (t *text) Result(r suite.Result) {
	if r.Status == suite.Passed && !t.Verbose {
		return
	}
	said := words(r.Status) + gist(r)
	if said != t.last {
		t.more()
		t.last, t.like = said, 0
	}
	if t.like++; t.like > enough && !t.Verbose {
		return
	}
	about := line(r.Name)
	if why := gist(r); why != "" {
		about += ": " + why
	}
	t.printf("%-13s  %s\n", words(r.Status), about)
}

// more says how many cases got no line because it would have said the same.
func (t *text) more() {
	if n := t.like - enough; n > 0 && !t.Verbose {
		t.printf("%-13s  and %d more likewise\n", "", n)
	}
}

func (t *text) End(r *conformance.Report) error {
	t.more()
	if t.like > 0 {
		t.printf("\n")
	}
	t.counts(r)
	for _, status := range []suite.Status{suite.Warned, suite.Failed} {
		for _, result := range r.Results {
			if result.Status == status {
				t.printf("\n%s: %s\n%s", words(status), line(result.Name), indent(explain(result, t.Options, textLines, textBytes), "  "))
			}
		}
	}
	if len(r.Stale) > 0 {
		t.printf("\nthe list of known failures is not right; --fix corrects it\n%s", indent(joined(r.Stale, "\n"), "  "))
	}
	t.printf("\n%s %s %s: %s, in %.1fs\n", line(r.Plugin), line(r.Version), verdict(r), count(r.Results), r.Seconds)
	return t.err
}

// counts is a table of the sections with a column for each status there is.
func (t *text) counts(r *conformance.Report) {
	if t.err != nil {
		return
	}
	there := count(r.Results).There()
	w := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "section\tcases")
	for _, s := range there {
		fmt.Fprintf(w, "\t%s", words(s))
	}
	for _, section := range sections(r) {
		fmt.Fprintf(w, "\n%s\t%d", line(section.Name), len(section.Results))
		for _, s := range there {
			fmt.Fprintf(w, "\t%d", section.Tally[s])
		}
	}
	fmt.Fprintln(w)
	t.err = w.Flush()
}

// How much of one input or output the text report shows.
const (
	textLines = 40
	textBytes = 4 << 10
)

// explain says all about a case with problems. Lines of what went in and came
// out begin with "| ", so that they cannot be taken for the report's own.
func explain(r suite.Result, o Options, lines, bytes int) string {
	var b strings.Builder
	block := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s:\n%s", title, indent(visible(clip(text, lines, bytes)), "| "))
		}
	}
	if r.About != "" {
		fmt.Fprintf(&b, "%s\n", line(r.About))
	}
	if len(r.Spec) > 0 {
		fmt.Fprintf(&b, "SPEC.md: %s\n", joined(r.Spec, " "))
	}
	block("input", r.Input)
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s: %s\n", line(p.Class), line(p.Message))
		block("input", p.Input)
		block("want", p.Want)
		block("got", p.Got)
	}
	block("trace", strings.Join(r.Trace, "\n"))
	if again := o.again(r.Name); again != "" {
		fmt.Fprintf(&b, "again: %s\n", line(again))
	}
	return b.String()
}

// joined are texts that stay on their lines.
func joined(list []string, separator string) string {
	lines := make([]string, len(list))
	for i, text := range list {
		lines[i] = line(text)
	}
	return strings.Join(lines, separator)
}

// indent begins each line with a prefix.
func indent(text, prefix string) string {
	text = strings.TrimSuffix(text, "\n")
	return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix) + "\n"
}
