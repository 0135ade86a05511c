// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/zlayer/zlayer/conformance"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// How much of one input or output the page and JUnit XML hold.
const (
	pageLines = 2000
	pageBytes = 64 << 10
)

// page is what the template shows.
type page struct {
	*conformance.Report
	Verdict  string
	Tally    tally
	Sections []section
	CSS      template.CSS
}

// writeHTML writes one page that needs nothing else: no script, no request.
func writeHTML(w io.Writer, r *conformance.Report, o Options) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"again": func(name string) string { return line(o.again(name)) },
		"gist":  gist,
		"join":  func(list []string) string { return joined(list, " ") },
		"line":  line,
		"lines": func(list []string) string { return strings.Join(list, "\n") },
		"shell": func(list []string) string { return line(shell(list)) },
		"text":  func(s string) string { return visible(clip(s, pageLines, pageBytes)) },
		"words": words,
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, page{r, verdict(r), count(r.Results), sections(r), template.CSS(pageCSS)})
}
