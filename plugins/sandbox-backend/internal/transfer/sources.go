// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// source is one thing that a source of COPY or ADD stands for.
type source struct {
	files Files
	// pattern is the source as written, asked the path that it matched, and
	// path that path with all links followed.
	pattern, asked, path string
	// name is what a file is called in a destination folder.
	name   string
	file   File
	remote bool
	// time is that of all files; zero for their own.
	time time.Time
	// unpack says that it is an archive to be unpacked.
	unpack bool
}

// isFolder says whether the source needs a folder as its destination.
func (s source) isFolder() bool { return s.unpack || s.file.Node.Kind == tree.Dir }

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

// find finds what one source stands for.
func (p *planner) find(pattern string) ([]source, error) {
	if r, ok := p.Remotes[pattern]; ok {
		at := path.Clean(r.Name)
		f, err := r.Files.Lstat(at)
		if err != nil {
			return nil, unreadable(pattern, err)
		}
		return []source{{files: r.Files, pattern: pattern, path: at, name: r.Name, file: f, remote: true, time: r.Time}}, nil
	}
	names, err := match(p.From, pattern, p.Step.Parents)
	if err != nil {
		return nil, err
	}
	var all []source
	for _, name := range names {
		s := source{files: p.From, pattern: pattern, asked: name, name: path.Base(name)}
		if s.path, err = p.From.Resolve(name); err != nil {
			return nil, unreadable(name, err)
		}
		if s.file, err = p.From.Lstat(s.path); err != nil {
			return nil, unreadable(name, err)
		}
		if s.file.Node != nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// match returns the paths that a source names. A pattern may name none; it is a
// Problem when a path does not exist, or the folder in which a pattern is
// looked for.
func match(files Files, pattern string, deep bool) ([]string, error) {
	parse := buildctx.ParseSource
	if deep {
		parse = buildctx.ParseDeepSource
	}
	s, err := parse(path.Clean(pattern))
	if err != nil {
		return nil, &Problem{Message: err.Error(), Help: "put a backslash before a character that is not meant as a wildcard"}
	}
	base, err := files.Resolve(s.Base)
	switch {
	case err != nil && s.IsPattern():
		return nil, nowhere(pattern, s.Base, err)
	case err != nil:
		return nil, unreadable(pattern, err)
	case !s.IsPattern():
		return []string{s.Base}, nil
	}
	names, err := walk(files, base, s)
	if err != nil {
		return nil, unreadable(pattern, err)
	}
	return names, nil
}

// walk lists what a pattern matches below a folder.
func walk(files Files, base string, s *buildctx.Source) ([]string, error) {
	if f, err := files.Lstat(base); err != nil || f.Node == nil || f.Node.Kind != tree.Dir {
		return nil, err
	}
	var names []string
	err := files.Walk(base, func(name string, f File) error {
		hit, inside := s.Match(below(base, name))
		if hit {
			names = append(names, name)
		}
		if f.Node != nil && f.Node.Kind == tree.Dir && (hit || !inside) {
			return fs.SkipDir
		}
		return nil
	})
	return names, err
}

// below returns a name relative to a folder above it.
func below(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

// missing says whether an error is that of a name that is not there.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// nowhere says what is the matter with the folder that a pattern is looked for
// in.
func nowhere(pattern, folder string, err error) error {
	if hidden := new(buildctx.ExcludedError); errors.As(err, &hidden) || !missing(err) {
		return unreadable(folder, err)
	}
	return &Problem{
		Message: fmt.Sprintf("there is no folder %q in which the source %q could match", folder, pattern),
		Help:    "sources are relative to the root of the build context, stage or image",
	}
}

// unreadable says what is the matter with a source.
func unreadable(name string, err error) error {
	var (
		problem *Problem
		hidden  *buildctx.ExcludedError
	)
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &hidden):
		return &Problem{
			Message: fmt.Sprintf("the source %q is left out of the build context by %v", name, hidden.Rule),
			Help:    fmt.Sprintf("change that rule, or add \"!%s\" after it", name),
		}
	case missing(err):
		return &Problem{
			Message: fmt.Sprintf("the source %q does not exist", name),
			Help:    "sources are relative to the root of the build context, stage or image",
		}
	case errors.Is(err, fs.ErrPermission):
		return &Problem{
			Message: fmt.Sprintf("the source %q cannot be read: %v", name, err),
			Help:    "change its permissions, or leave it out with the ignore file",
		}
	}
	return &Problem{Message: fmt.Sprintf("the source %q: %v", name, err)}
}

// decideUnpack applies ADD's rules for archives.
func (p *planner) decideUnpack(s *source) error {
	wanted := p.Step.Unpack == irv1.Unpack_UNPACK_ALWAYS ||
		p.Step.Unpack == irv1.Unpack_UNPACK_UNSPECIFIED && !s.remote
	if !p.Step.Add || !wanted || s.file.Node.Kind != tree.File {
		return nil
	}
	var err error
	s.unpack, err = isArchive(s)
	return err
}
