// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// ordered returns the entries as they are written: each name once, in order,
// hard links after what they are links to.
func ordered(entries []Entry) ([]Entry, error) {
	puts := make(map[string]Entry, len(entries))
	wiped := map[tree.Change]bool{}
	for _, e := range entries {
		if err := check(e); err != nil {
			return nil, fmt.Errorf("writing layer entry %.300q: %w", e.Name, err)
		}
		if e.Op == tree.Put || e.Op == tree.Link {
			puts[e.Name] = e
			continue
		}
		wiped[tree.Change{Op: e.Op, Name: e.Name}] = true
	}
	keyed := make([]keyedEntry, 0, len(puts)+len(wiped))
	for _, e := range puts {
		keyed = append(keyed, keyedEntry{sortKey(e.Change), e})
	}
	for c := range settled(wiped, puts) {
		keyed = append(keyed, keyedEntry{sortKey(c), Entry{Change: c}})
	}
	slices.SortFunc(keyed, func(a, b keyedEntry) int { return strings.Compare(a.key, b.key) })
	out := make([]Entry, len(keyed))
	for i, k := range keyed {
		out[i] = k.Entry
	}
	if err := newSharing(out).share(); err != nil {
		return nil, err
	}
	return out, nil
}

// check refuses an entry that is no change.
func check(e Entry) error {
	if err := tree.CheckName(e.Name); err != nil {
		return err
	}
	switch e.Op {
	case tree.Put:
		return e.Node.Check()
	case tree.Link:
		return tree.CheckName(e.Target)
	case tree.Remove, tree.Clear:
		return nil
	}
	return errors.New("the operation is unknown")
}

// settled returns the whiteouts that say something beside what is put.
func settled(wiped map[tree.Change]bool, puts map[string]Entry) map[tree.Change]bool {
	out := map[tree.Change]bool{}
	for c := range wiped {
		if e, ok := puts[c.Name]; ok && c.Op == tree.Remove {
			if e.Op != tree.Put || e.Node.Kind != tree.Dir {
				continue
			}
			c.Op = tree.Clear
		}
		out[c] = true
	}
	return out
}

// keyedEntry is an entry with what it is sorted by.
type keyedEntry struct {
	key string
	Entry
}

// sortKey returns what an entry is sorted by: bytes. "/" is the lowest, so that
// a folder comes before what is in it and that before the folder's next
// sibling; whiteouts come right after their folder.
func sortKey(c tree.Change) string {
	key := "\x00" + strings.ReplaceAll(c.Name, "/", "\x00")
	if c.Name == "." {
		key = ""
	}
	switch c.Op {
	case tree.Clear:
		return key + "\x00\x00\x00"
	case tree.Remove:
		i := strings.LastIndexByte(key, 0)
		return key[:i] + "\x00\x00" + key[i+1:]
	}
	return key
}
