// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// answer reads what a frontend needs from a folder. Nothing outside it is
// read, not by links either; without a folder everything is absent.
func answer(dir string, needs []*frontendv1.Need) ([]*frontendv1.File, error) {
	if dir == "" {
		return absent(needs), nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &InputError{Message: "cannot read the build context " + dir, Err: cause(err)}
	}
	defer root.Close()
	var files []*frontendv1.File
	for _, need := range needs {
		f, err := answerOne(root, need)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// absent answers that nothing is there.
func absent(needs []*frontendv1.Need) []*frontendv1.File {
	var files []*frontendv1.File
	for _, need := range needs {
		files = append(files, &frontendv1.File{Path: strings.Join(need.GetPaths(), "\n"), Absent: true})
	}
	return files
}

func answerOne(root *os.Root, need *frontendv1.Need) (*frontendv1.File, error) {
	for _, name := range need.GetPaths() {
		if !fs.ValidPath(name) {
			return nil, &InputError{Message: fmt.Sprintf("the build file names %q, which is not a path inside the build context", name)}
		}
	}
	switch paths := need.GetPaths(); {
	case len(paths) == 0:
		return nil, &InputError{Message: "the frontend needs nothing by name"}
	case need.GetKind() == frontendv1.NeedKind_NEED_KIND_LIST:
		return list(root, paths[0])
	case need.GetKind() == frontendv1.NeedKind_NEED_KIND_GLOB:
		return glob(root, paths[0])
	default:
		return read(root, paths)
	}
}

// read returns the first of the files that exists.
func read(root *os.Root, paths []string) (*frontendv1.File, error) {
	for _, name := range paths {
		f, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &InputError{Message: "cannot read " + name, Err: cause(err)}
		}
		defer f.Close()
		content, err := io.ReadAll(io.LimitReader(f, MaxSource+1))
		if err != nil {
			return nil, &InputError{Message: "cannot read " + name, Err: cause(err)}
		}
		if len(content) > MaxSource {
			return nil, &InputError{Message: fmt.Sprintf("%s is larger than %d MiB", name, MaxSource>>20)}
		}
		return &frontendv1.File{Path: name, Content: content}, nil
	}
	return &frontendv1.File{Path: paths[0], Absent: true}, nil
}

// list returns the names in a folder.
func list(root *os.Root, name string) (*frontendv1.File, error) {
	entries, err := fs.ReadDir(root.FS(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return &frontendv1.File{Path: name, Absent: true}, nil
	}
	if err != nil {
		return nil, &InputError{Message: "cannot read " + name, Err: cause(err)}
	}
	f := &frontendv1.File{Path: name}
	for _, e := range entries {
		f.Entries = append(f.Entries, e.Name())
	}
	return f, nil
}

// glob returns the paths that match a pattern.
func glob(root *os.Root, pattern string) (*frontendv1.File, error) {
	f := &frontendv1.File{Path: pattern}
	err := fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && globMatch(strings.Split(pattern, "/"), strings.Split(name, "/")) {
			f.Entries = append(f.Entries, name)
		}
		return nil // what cannot be read does not match
	})
	slices.Sort(f.Entries)
	return f, err
}

// globMatch matches a path by elements; "**" stands for any number of them.
func globMatch(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		return globMatch(pattern[1:], name) || len(name) > 0 && globMatch(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && globMatch(pattern[1:], name[1:])
}
