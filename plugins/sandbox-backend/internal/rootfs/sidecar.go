// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"encoding/json"
	"maps"
	"os"
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// about is what the files of an unpacked layer do not tell.
type about struct {
	// Frame are folders whose owner, mode and time the layer does not say. What
	// they look like is for the tree to say.
	Frame []name `json:"frame,omitempty"`
	// Holed are folders that hold whiteouts.
	Holed []name `json:"holed,omitempty"`
	// Unsure are names that the layer has itself only after what is below them,
	// or not at all: if layers below have a link there, that is meant for where
	// it leads.
	Unsure []name `json:"unsure,omitempty"`
	// Whole says that nothing of the layers below is seen.
	Whole bool `json:"whole,omitempty"`
	// Odd says why the layer has no folder that could be put on top of others.
	Odd string `json:"odd,omitempty"`
}

// name is the name of a file. In JSON it is base64: names are any bytes.
type name []byte

// readAbout reads what was kept beside an unpacked layer.
func readAbout(path string) (*about, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a := &about{}
	return a, json.Unmarshal(data, a)
}

// write keeps it.
func (a *about) write(path string) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// sorted returns the names that are wanted; the root is never one.
func sorted(wanted map[string]bool) []name {
	var out []name
	for _, dir := range slices.SortedFunc(maps.Keys(wanted), tree.Compare) {
		if wanted[dir] && dir != "." {
			out = append(out, name(dir))
		}
	}
	return out
}
