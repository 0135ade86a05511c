// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// source is one thing that a source of COPY or ADD stands for.
type source struct {
	tree *files.Tree
	// pattern is the source as written, asked the path that it matched, and
	// path that path with all links followed.
	pattern, asked, path string
	// name is what a file is called in a destination folder.
	name   string
	info   fs.FileInfo
	remote bool
	// time is that of all files; zero for their own.
	time time.Time
	// unpack says that it is an archive to be unpacked.
	unpack bool
	// keep says that owners are kept.
	keep bool
}

// sources finds all sources.
func (p *planner) sources() ([]source, error) {
	var all []source
	for _, pattern := range p.Step.Sources {
		found, err := p.find(pattern)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	for i := range all {
		if err := p.decideUnpack(&all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *planner) find(pattern string) ([]source, error) {
	if r, ok := p.Remotes[pattern]; ok {
		info, err := r.Files.Lstat(r.Path)
		return []source{{tree: r.Files, path: r.Path, name: r.Name, info: info, remote: true, time: r.Time}}, err
	}
	matches, err := Match(p.From, pattern, p.Step.Parents)
	if err != nil {
		return nil, err
	}
	if len(matches) == 0 && p.Idle != nil {
		p.Idle(pattern)
	}
	var all []source
	for _, m := range matches {
		s := source{tree: p.From, pattern: pattern, asked: m, name: path.Base(m), keep: p.Keep}
		if s.path, err = p.From.Resolve(m); err != nil {
			return nil, unreadable(m, err)
		}
		if s.info, err = p.From.Lstat(s.path); err != nil {
			return nil, unreadable(m, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// Match returns the paths that a source names. A pattern may name none; it is a
// Problem when a path does not exist, or the folder in which a pattern is
// looked for.
func Match(tree *files.Tree, pattern string, deep bool) ([]string, error) {
	parse, glob := buildctx.ParseSource, tree.Glob
	if deep {
		parse, glob = buildctx.ParseDeepSource, tree.GlobDeep
	}
	clean := path.Clean(pattern)
	s, err := parse(clean)
	if err != nil {
		return nil, &Problem{Message: err.Error(), Help: "put a backslash before a character that is not meant as a wildcard"}
	}
	_, err = tree.Resolve(s.Base)
	switch {
	case err != nil && s.IsPattern():
		return nil, nowhere(pattern, s.Base, err)
	case err != nil:
		return nil, unreadable(pattern, err)
	}
	matches, err := glob(clean)
	if err != nil {
		return nil, unreadable(pattern, err)
	}
	return matches, nil
}

// nowhere says what is the matter with the folder that a pattern is looked for
// in.
func nowhere(pattern, folder string, err error) error {
	if hidden := new(buildctx.ExcludedError); errors.As(err, &hidden) || !errors.Is(err, fs.ErrNotExist) {
		return unreadable(folder, err)
	}
	return &Problem{
		Message: fmt.Sprintf("there is no folder %q in which the source %q could match", folder, pattern),
		Help:    "sources are relative to the root of the build context, stage or image",
	}
}

// unreadable says what is the matter with a source.
func unreadable(name string, err error) error {
	var hidden *buildctx.ExcludedError
	switch {
	case errors.As(err, &hidden):
		return &Problem{
			Message: fmt.Sprintf("the source %q is left out of the build context by %v", name, hidden.Rule),
			Help:    fmt.Sprintf("change that rule, or add \"!%s\" after it", name),
		}
	case errors.Is(err, fs.ErrNotExist):
		return &Problem{Message: fmt.Sprintf("the source %q does not exist", name), Help: "sources are relative to the root of the build context, stage or image"}
	case errors.Is(err, fs.ErrPermission):
		return &Problem{Message: fmt.Sprintf("the source %q cannot be read: %v", name, err), Help: "change its permissions, or leave it out with the ignore file"}
	}
	return &Problem{Message: fmt.Sprintf("the source %q: %v", name, err)}
}

// decideUnpack applies ADD's rules for archives.
func (p *planner) decideUnpack(s *source) error {
	wanted := p.Step.Unpack == irv1.Unpack_UNPACK_ALWAYS ||
		p.Step.Unpack == irv1.Unpack_UNPACK_UNSPECIFIED && !s.remote
	if !p.Step.Add || !wanted || !s.info.Mode().IsRegular() {
		return nil
	}
	var err error
	s.unpack, err = isArchive(s.tree, s.path)
	return err
}
