// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
)

// watch knows what was in folders that are not the backend's to write to.
type watch struct {
	dirs []string
	was  map[string]string
}

// watch adds folders to those that are watched, as they are now.
func (p *play) watch(dirs ...string) {
	if p.watched == nil {
		p.watched = &watch{was: map[string]string{}}
	}
	for _, dir := range dirs {
		if slices.Contains(p.watched.dirs, dir) {
			continue
		}
		p.watched.dirs = append(p.watched.dirs, dir)
		for path, is := range snapshot(dir) {
			p.watched.was[path] = is
		}
	}
}

// snapshot describes everything below a folder.
func snapshot(dir string) map[string]string {
	all := map[string]string{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it is not there, which the comparison tells
		}
		if info, err := d.Info(); err == nil {
			all[path] = fmt.Sprintf("%v, %d bytes, of %v", info.Mode(), info.Size(), info.ModTime())
		}
		return nil
	})
	return all
}

// untouched wants the watched folders to be as they were; untouched state, the
// state folder to be empty too, as it was.
func (p *play) untouched(w words) {
	state := w.flag("state")
	p.nothing(w)
	var list []string
	now := map[string]string{}
	for _, dir := range p.watched.dirs {
		for path, is := range snapshot(dir) {
			now[path] = is
			if was, ok := p.watched.was[path]; !ok {
				list = append(list, path+" is new")
			} else if was != is {
				list = append(list, fmt.Sprintf("%s was %s and is %s", path, was, is))
			}
		}
	}
	for path := range p.watched.was {
		if _, ok := now[path]; !ok {
			list = append(list, path+" is gone")
		}
	}
	list = append(list, p.strangers()...)
	if state {
		list = append(list, filesIn("file", p.stateDir)...)
	}
	if slices.Sort(list); len(list) > 0 {
		p.problem(suite.Problem{Class: classOK, Message: "the backend wrote where it must not: " + list[0], Got: strings.Join(list, "\n")})
	}
}

// strangers lists what is in the script's folder and was not put there by this
// package: beside the folders that the backend was given.
func (p *play) strangers() []string {
	files, err := os.ReadDir(p.dir)
	p.check(err)
	var list []string
	for _, f := range files {
		first, _, _ := strings.Cut(f.Name(), "-")
		if !slices.Contains([]string{"state", "process", "build", "job", "export"}, first) {
			list = append(list, filepath.Join(p.dir, f.Name())+" is new")
		}
	}
	return list
}
