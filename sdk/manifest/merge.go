// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Merge makes one manifest of those of one plugin that were sealed on several
// platforms. They must be equal in all but their files; the result has each
// file once, sorted by platform and path, so the order of the list does not
// matter. The error names the key in which two differ, and is an *InvalidError
// when the whole is not valid.
func Merge(list ...*Manifest) (*Manifest, error) {
	if len(list) == 0 {
		return nil, errors.New("there is no manifest to merge")
	}
	merged := *list[0]
	merged.Files = nil
	for _, m := range list {
		if err := alike(list[0], m); err != nil {
			return nil, err
		}
		if err := merged.join(m.Files); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(merged.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Path, b.Path))
	})
	if err := merged.Validate(); err != nil {
		return nil, err
	}
	return &merged, nil
}

// join adds files that are not there yet.
func (m *Manifest) join(files []File) error {
	for _, f := range files {
		i := slices.IndexFunc(m.Files, func(g File) bool { return g.Path == f.Path && g.Platform == f.Platform })
		switch {
		case i < 0:
			m.Files = append(m.Files, f)
		case m.Files[i] != f:
			return fmt.Errorf("\"files\" differ: %q for %s is %s %s in one manifest and %s %s in another", f.Path,
				cmp.Or(f.Platform, "every platform"), m.Files[i].Role, m.Files[i].Digest, f.Role, f.Digest)
		}
	}
	return nil
}

// alike says whether two manifests are equal in all but their files.
func alike(a, b *Manifest) error {
	in, err := keys(a)
	if err != nil {
		return err
	}
	other, err := keys(b)
	if err != nil {
		return err
	}
	all := maps.Clone(in)
	maps.Copy(all, other)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key != "files" && !bytes.Equal(in[key], other[key]) {
			return fmt.Errorf("%q differs: %s in one manifest and %s in another", key, value(in[key]), value(other[key]))
		}
	}
	return nil
}

// keys returns the values of a manifest by key.
func keys(m *Manifest) (map[string]json.RawMessage, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	err = json.Unmarshal(b, &all)
	return all, err
}

// value is how an error shows the value of a key.
func value(v json.RawMessage) string { return cmp.Or(string(v), "missing") }
