// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"fmt"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
)

// PlanDir decides what the layer of a WORKDIR holds: the folder and those
// above it that are missing.
func PlanDir(step *irv1.MakeDir, onto *files.Tree) (Layer, error) {
	l := newLayer()
	at, err := land(onto, step.Path)
	if err != nil {
		return nil, err
	}
	if at.info != nil {
		if !at.info.IsDir() {
			return nil, &Problem{Message: fmt.Sprintf("the working directory %q is not a folder in the image", step.Path)}
		}
		return l, nil
	}
	// As for --chown, a number alone is also the group. For a command it is not.
	uid, gid, err := passwd.Owner(onto.OpenResolved, step.Owner)
	if err != nil {
		return nil, &Problem{Message: err.Error()}
	}
	for _, dir := range append(at.missing, at.name) {
		l.put(dir, madeFolder(owner{uid, gid}))
	}
	return l, l.settle(onto)
}
