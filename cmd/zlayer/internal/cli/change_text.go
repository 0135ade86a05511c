// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/plugins"
)

// printChanges shows what would change, to be read before it is accepted.
func printChanges(w io.Writer, changes []*plugins.Change) {
	if len(changes) == 0 {
		fmt.Fprintln(w, "there is nothing to change")
	}
	for _, ch := range changes {
		fmt.Fprintf(w, "%s\n", oneLine(headline(ch)))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, f := range details(ch) {
			if f.text != "" {
				fmt.Fprint(t, "  ")
				row(t, f.name, f.text)
			}
		}
		_ = t.Flush() // a terminal that is gone is noticed by who writes the result
		for _, d := range ch.Differences {
			fmt.Fprintf(w, "    %s\n", oneLine(difference(d)))
		}
		for _, note := range ch.Notes {
			fmt.Fprintf(w, "  note: %s\n", oneLine(note))
		}
	}
}

// headline says which plugin changes and how.
func headline(ch *plugins.Change) string {
	if ch.Action == plugins.Nothing {
		return fmt.Sprintf("%s %s is there already", ch.ID, ch.After.Version)
	}
	return fmt.Sprintf("%s %s %s", ch.Action, ch.ID, versions(ch))
}

// versions are the version before and after, or the one there is.
func versions(ch *plugins.Change) string {
	if ch.Before == nil || ch.Before.Version == ch.After.Version {
		return ch.After.Version
	}
	return ch.Before.Version + " → " + ch.After.Version
}

// details are what there is to say about a change. Where nothing changes that
// is little.
func details(ch *plugins.Change) []fact {
	if ch.Action == plugins.Nothing {
		return nil
	}
	source := ch.Source
	if ch.Development {
		source += " (development: a folder of this machine)"
	}
	list := []fact{
		{"summary", ch.Summary}, {"kind", ch.Kind + ", protocol " + ch.Protocol}, {"source", source}, {"resolved", ch.Resolved},
		{"digest", ch.After.Digest},
	}
	if ch.Before != nil && ch.Before.Digest != ch.After.Digest {
		list = append(list, fact{"before", ch.Before.Digest})
	}
	return append(list, fact{"signature", ch.Signature}, fact{"may touch", touches(ch.Grants)})
}

// difference says one difference between two versions, and marks what lets the
// plugin do more.
func difference(d grant.Difference) string {
	text := fmt.Sprintf("~ %s: %s → %s", d.Aspect, d.Before, d.After)
	switch {
	case d.Before == "":
		text = fmt.Sprintf("+ %s: %s", d.Aspect, d.After)
	case d.After == "":
		text = fmt.Sprintf("- %s: %s", d.Aspect, d.Before)
	}
	if d.Widens {
		text += "  (more than before)"
	}
	return text
}
