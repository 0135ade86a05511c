// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
)

func newInspect(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "inspect IMAGE…",
		Short: "Show all there is to say of images of the store",
		Long: `Inspect shows digests, configuration, layers and history of images of the store,
named by reference or digest, and the images of manifest lists. The JSON is an
array with one element for each IMAGE.`,
		Example:           "  zlayer inspect app:1\n  zlayer inspect --platform linux/arm64 --format json app:1",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeImages(),
		RunE:              a.inspect,
	}
	c.Flags().String("platform", "", "the image for a platform, os/arch[/variant], where the name stands for several")
	formatFlag(c)
	return c
}

func (a *app) inspect(c *cobra.Command, given []string) error {
	asJSON, err := wantJSON(c)
	if err != nil {
		return err
	}
	list, err := a.details(c, given)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.Stdout, list)
	}
	for i, d := range list {
		if i > 0 {
			fmt.Fprintln(a.Stdout)
		}
		if err := detailsText(a.Stdout, d); err != nil {
			return err
		}
	}
	return nil
}

// details returns what there is to say of images, for the platform of the flag.
func (a *app) details(c *cobra.Command, names []string) ([]*host.ImageDetails, error) {
	h, err := a.open()
	if err != nil {
		return nil, err
	}
	platform, _ := c.Flags().GetString("platform")
	var list []*host.ImageDetails
	for _, name := range names {
		d, err := h.InspectImage(c.Context(), name, platform)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// detailsText writes details for people.
func detailsText(out io.Writer, d *host.ImageDetails) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, oneLine(value))
		}
	}
	row("reference", d.Reference)
	row("digest", d.Digest)
	row("type", d.MediaType)
	row("platform", d.Platform)
	if !d.Created.IsZero() {
		row("created", d.Created.UTC().Format(time.DateTime))
	}
	row("size", size(d.Size))
	for _, i := range d.Images {
		row("image", i.Digest+"  "+i.Platform+"  "+size(i.Size))
	}
	for _, l := range d.Layers {
		row("layer", l.Digest+"  "+size(l.Size))
	}
	for _, s := range d.History {
		row("history", s.CreatedBy)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return configText(out, d.Config)
}

// configText writes the configuration of containers, indented.
func configText(out io.Writer, raw json.RawMessage) error {
	var file struct{ Config json.RawMessage }
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Config) == 0 {
		return nil // a wasm artifact has none
	}
	var text bytes.Buffer
	if err := json.Indent(&text, file.Config, "", "  "); err != nil {
		return nil
	}
	_, err := fmt.Fprintf(out, "config\n%s\n", text.String())
	return err
}
