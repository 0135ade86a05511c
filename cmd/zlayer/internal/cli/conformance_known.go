// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/host"
)

// knownList is a list of known failures in a file.
type knownList struct {
	*suite.Known
	path, text string
}

// openKnown reads the list of known failures. That of the plugin's folder may be
// missing, and so may one that is to be made.
func openKnown(c *cobra.Command, plugin string) (*knownList, error) {
	k := &knownList{}
	k.path, _ = c.Flags().GetString("known-failing")
	optional, _ := c.Flags().GetBool("fix")
	if k.path == "" {
		k.path, optional = filepath.Join(plugin, knownFile), true
	}
	data, err := os.ReadFile(k.path)
	if err != nil && !(optional && errors.Is(err, fs.ErrNotExist)) {
		return nil, &host.InputError{Message: "cannot read the list of known failures", Err: err}
	}
	k.text = string(data)
	if k.Known, err = suite.ParseKnown(k.text); err != nil {
		return nil, &host.InputError{Message: "the list of known failures " + k.path + " is not valid", Err: err}
	}
	return k, nil
}

// fix makes the file what it should be after the run, and says what changed.
func (k *knownList) fix(w io.Writer) error {
	fixed := k.Fixed()
	if fixed == k.text {
		fmt.Fprintf(w, "%s is right\n", k.path)
		return nil
	}
	out, err := createAside(k.path)
	if err != nil {
		return err
	}
	defer out.discard()
	if _, err := io.WriteString(out, fixed); err != nil {
		return err
	}
	if err := out.commit(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s is made right:\n", k.path)
	old, now := strings.Split(k.text, "\n"), strings.Split(fixed, "\n")
	differences(w, "-", old, now)
	differences(w, "+", now, old)
	return nil
}

// differences writes the lines that others do not have.
func differences(w io.Writer, sign string, lines, others []string) {
	others = slices.Clone(others)
	for _, line := range lines {
		if i := slices.Index(others, line); i >= 0 {
			others = slices.Delete(others, i, i+1)
		} else if line != "" {
			fmt.Fprintf(w, "%s %s\n", sign, progress.Visible(line))
		}
	}
}
