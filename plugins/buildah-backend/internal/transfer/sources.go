// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
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

// Match returns the paths that a source names. It is a Problem when there are
// none.
func Match(tree *files.Tree, pattern string, deep bool) ([]string, error) {
	glob := tree.Glob
	if deep {
		glob = tree.GlobDeep
	}
	matches, err := glob(path.Clean(pattern))
	if err != nil {
		return nil, unreadable(pattern, err)
	}
	if len(matches) > 0 {
		return matches, nil
	}
	if strings.ContainsAny(pattern, `*?[`) {
		return nil, &Problem{Message: fmt.Sprintf("no file matches the source %q", pattern), Help: "check the pattern, and what the ignore file leaves out"}
	}
	if _, err := tree.Resolve(pattern); err != nil {
		return nil, unreadable(pattern, err)
	}
	return nil, unreadable(pattern, fs.ErrNotExist)
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
