// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"fmt"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
)

// PlanDir decides what the layer of a WORKDIR holds: the folder and those above
// it that are missing, with the folders above these as the image has them.
// Nothing when the folder exists. A mistake of the user is a *Problem.
func PlanDir(step *irv1.MakeDir, onto Image) ([]layer.Entry, error) {
	d := newDraft(onto.Tree)
	at, err := d.land(step.Path)
	if err != nil {
		return nil, err
	}
	if at.node != nil {
		if at.node.Kind != tree.Dir {
			return nil, &Problem{
				Message: fmt.Sprintf("the working directory %q is not a folder in the image", step.Path),
				Help:    "name another folder, or remove the file first",
			}
		}
		return nil, nil
	}
	// As for --chown, a number alone is also the group. For a command it is not.
	uid, gid, err := passwd.Owner(onto.OpenFile, step.Owner)
	if err != nil {
		return nil, &Problem{Message: err.Error()}
	}
	for _, dir := range append(at.missing, at.name) {
		if err := d.put(dir, madeFolder(owner{uid, gid})); err != nil {
			return nil, err
		}
	}
	return d.entries(), nil
}
