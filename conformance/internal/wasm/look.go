// SPDX-License-Identifier: Apache-2.0

package wasm

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// seen is what is in a folder: mode, time and content of each file, by path.
type seen map[string]string

// look sees what is in a folder. What cannot be read is seen as that.
func look(dir string) seen {
	s := seen{}
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		info, statErr := os.Lstat(path)
		if err != nil || statErr != nil {
			s[name] = fmt.Sprint(err, statErr)
			return nil
		}
		s[name] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano(), content(path, info.Mode()))
		return nil
	})
	return s
}

// content stands for what a file holds.
func content(path string, mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		data, err := os.ReadFile(path)
		return fmt.Sprintf("%x %v", sha256.Sum256(data), err)
	case mode&fs.ModeSymlink != 0:
		to, _ := os.Readlink(path)
		return to
	}
	return ""
}

// changes says how a folder differs from what was seen, in words.
func (s seen) changes(now seen) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		switch is, ok := now[name]; {
		case !ok:
			list = append(list, "removed "+name)
		case is != s[name]:
			list = append(list, "changed "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, ok := s[name]; !ok {
			list = append(list, "made "+name)
		}
	}
	return list
}
