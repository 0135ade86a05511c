// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// The elements of JUnit XML, in the order and with the attributes that the
// stricter of its schemas ask for.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		ID         int             `xml:"id,attr"`
		Name       string          `xml:"name,attr"`
		Package    string          `xml:"package,attr"`
		Host       string          `xml:"hostname,attr"`
		Time       string          `xml:"timestamp,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Seconds    string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        junitText       `xml:"system-out"`
		Err        junitText       `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Seconds string        `xml:"time,attr"`
		Skipped *junitMessage `xml:"skipped"`
		Error   *junitMessage `xml:"error"`
		Failure *junitMessage `xml:"failure"`
	}
	junitMessage struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

func writeJUnit(w io.Writer, r *conformance.Report, o Options) error {
	var all junitSuites
	for i, s := range sections(r) {
		all.Suites = append(all.Suites, junitSection(i, s, r, o))
	}
	if len(r.Stale) > 0 {
		all.Suites = append(all.Suites, junitStale(len(all.Suites), r))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// newJUnitSuite is a suite without cases.
func newJUnitSuite(id int, name string, r *conformance.Report) junitSuite {
	s := junitSuite{
		ID: id, Name: line(name), Package: line(r.Plugin),
		Host: "localhost", // which machine it was is nobody's business
		Time: r.Began.UTC().Format("2006-01-02T15:04:05"),
	}
	for _, p := range []junitProperty{
		{"plugin", r.Plugin}, {"version", r.Version}, {"kinds", strings.Join(r.Kinds, " ")},
		{"engine", shell(r.Engine)}, {"whole", fmt.Sprint(r.Whole)}, {"conforms", fmt.Sprint(r.OK())},
	} {
		s.Properties = append(s.Properties, junitProperty{p.Name, line(p.Value)})
	}
	return s
}

// junitSection is the suite of a section. What neither failed nor was skipped,
// and is yet worth a word, is in its output.
func junitSection(id int, s section, r *conformance.Report, o Options) junitSuite {
	out := newJUnitSuite(id, s.Name, r)
	seconds := 0.0
	var words strings.Builder
	for _, result := range s.Results {
		c := junitResult(result, r.Plugin, o)
		out.Cases = append(out.Cases, c)
		seconds += result.Seconds
		switch {
		case c.Failure != nil:
			out.Failures++
		case c.Error != nil:
			out.Errors++
		case c.Skipped != nil:
			out.Skipped++
		case result.Status != suite.Passed:
			fmt.Fprintf(&words, "%s: %s: %s\n", result.Status, line(result.Name), gist(result))
		}
	}
	out.Tests, out.Seconds, out.Out = len(out.Cases), decimal(seconds), junitText{words.String()}
	return out
}

func junitResult(r suite.Result, plugin string, o Options) junitCase {
	c := junitCase{Class: line(plugin), Name: line(r.Name), Seconds: decimal(r.Seconds)}
	said := &junitMessage{Type: string(r.Status), Message: gist(r)}
	switch r.Status {
	case suite.Failed:
		said.Type = line(r.Problems[0].Class)
		said.Text = "\n" + explain(r, o, pageLines, pageBytes)
		if c.Failure = said; said.Type == suite.ClassSuite {
			c.Failure, c.Error = nil, said
		}
	case suite.Blocked, suite.KnownFailing, suite.NotDeclared, suite.CannotRun:
		c.Skipped = said
	}
	return c
}

// junitStale is a suite in which each thing that is wrong with the list of known
// failures has failed.
func junitStale(id int, r *conformance.Report) junitSuite {
	s := newJUnitSuite(id, "known-failing", r)
	for _, stale := range r.Stale {
		where, _, _ := strings.Cut(stale, ":")
		s.Cases = append(s.Cases, junitCase{
			Class: line(r.Plugin), Name: line("known-failing/" + where), Seconds: decimal(0),
			Failure: &junitMessage{Type: "stale", Message: line(stale)},
		})
	}
	s.Tests, s.Failures, s.Seconds = len(s.Cases), len(s.Cases), decimal(0)
	return s
}

func decimal(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }
