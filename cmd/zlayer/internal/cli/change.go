// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/plugins"
)

// changeFlags adds the flags of commands that change what is installed.
func changeFlags(c *cobra.Command) {
	c.Flags().Bool("dry-run", false, "show what would change, and change nothing")
	formatFlag(c)
}

// yesFlag adds --yes.
func yesFlag(c *cobra.Command) {
	c.Flags().BoolP("yes", "y", false, "accept what plugins may touch")
}

// changing runs a command that changes what is installed: the plan is shown and
// accepted, and then carried out.
func (a *app) changing(c *cobra.Command, plan func(context.Context, *plugins.Manager) (*plugins.Plan, error)) error {
	m, asJSON, err := a.managing(c)
	if err != nil {
		return err
	}
	p, err := plan(c.Context(), m)
	if err != nil {
		return err
	}
	defer p.Close()
	if dry, _ := c.Flags().GetBool("dry-run"); dry {
		return cmp.Or(a.showPlan(p, asJSON), p.Failed)
	}
	printChanges(a.Stderr, p.Changes)
	yes, _ := c.Flags().GetBool("yes")
	if err := a.accept(c.Context(), p.Changes, yes); err != nil {
		return err
	}
	return cmp.Or(a.carryOut(c.Context(), p, asJSON), p.Failed)
}

// showPlan shows what would change as the result of a command.
func (a *app) showPlan(p *plugins.Plan, asJSON bool) error {
	if asJSON {
		return writeJSON(a.Stdout, append([]*plugins.Change{}, p.Changes...))
	}
	printChanges(a.Stdout, p.Changes)
	return nil
}

// carryOut makes the changes and says which were made, also when one could not.
func (a *app) carryOut(ctx context.Context, p *plugins.Plan, asJSON bool) error {
	made := []*plugins.Change{}
	err := p.Apply(ctx, func(ch *plugins.Change) {
		made = append(made, ch)
		if !asJSON {
			fmt.Fprintln(a.Stdout, oneLine(outcome(ch)))
		}
	})
	if asJSON {
		if err := writeJSON(a.Stdout, made); err != nil {
			return err
		}
	}
	return err
}

// outcome says in a line what was done.
func outcome(ch *plugins.Change) string {
	done := map[plugins.Action]string{plugins.Add: "added", plugins.Update: "updated", plugins.Rollback: "rolled back", plugins.Nothing: "kept"}
	return fmt.Sprintf("%s %s %s %s", done[ch.Action], ch.ID, versions(ch), ch.After.Digest)
}

// accept has the user accept what plugins may touch beyond what was accepted
// before.
func (a *app) accept(ctx context.Context, changes []*plugins.Change, yes bool) error {
	var asked []string
	for _, ch := range changes {
		if ch.Asks {
			asked = append(asked, ch.ID+" "+wants(ch))
		}
	}
	if yes || len(asked) == 0 {
		return nil
	}
	refused := &host.PluginError{Fault: host.Refused, Message: "nobody has accepted that " + strings.Join(asked, "; and that "), Help: "--yes accepts it"}
	in := a.terminal()
	if in == nil {
		return refused
	}
	ok, err := a.confirm(ctx, in, "accept what they may touch?")
	if err == nil && !ok {
		refused.Message, refused.Help = "it was not accepted, so nothing was changed", ""
		return refused
	}
	return err
}

// wants says what the user is to accept of a change. A backend that touches
// nothing is a program of somebody else all the same.
func wants(ch *plugins.Change) string {
	if list := gains(ch); len(list) > 0 {
		return "may touch: " + strings.Join(list, ", ")
	}
	return "runs programs here"
}

// gains lists what a change lets a plugin do that it could not do before.
func gains(ch *plugins.Change) []string {
	var list []string
	if ch.Before == nil {
		for _, g := range ch.Grants {
			if g.Kind != grant.Confinement || g.Name != grant.Confined {
				list = append(list, g.String())
			}
		}
		return list
	}
	for _, d := range ch.Differences {
		if d.Widens {
			list = append(list, d.After)
		}
	}
	return list
}
