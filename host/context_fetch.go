// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zlayer/zlayer/host/internal/keys"
)

// contextJobs is where contexts that were fetched are, among the jobs.
const contextJobs = ".context"

// maxContext is how many bytes a context from elsewhere may have, as it comes
// and unpacked.
const maxContext = 16 << 30

// keepGitDir is the build argument that leaves .git in the main context.
const keepGitDir = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"

// Fetched is a request whose files are all on this machine.
type Fetched struct {
	// Request is the request, with folders for what was elsewhere, and with the
	// build file from there. It is good until Close.
	Request Request

	host     *Host
	emit     *emitter
	limit    int64
	patience time.Duration // with servers that send nothing; 0: the usual
	arrivals []*arrival
	releases []func() // of the image store
}

// arrival is a context that was fetched.
type arrival struct {
	name string // for people
	file string // what messages call a build file that came instead of a tar
	dir  string
	job  *jobDir
	text []byte // what came instead of a tar
}

// Fetch gets the contexts of a request that are elsewhere. Build, Resolve and
// Plan do this themselves. With a main context from elsewhere and no content in
// the request's Source, its Name is a file of the context, or empty for the one
// that a frontend claims. What cannot be used is an *InputError.
func (h *Host) Fetch(ctx context.Context, r Request) (*Fetched, error) {
	return h.fetchContexts(ctx, &Fetched{Request: r, host: h, emit: newEmitter(r.Events), limit: maxContext})
}

func (h *Host) fetchContexts(ctx context.Context, f *Fetched) (*Fetched, error) {
	if err := checkContexts(f.Request); err != nil {
		return nil, err
	}
	if err := f.all(ctx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fetched) all(ctx context.Context) error {
	r := &f.Request
	if r.Context.Away() {
		a, err := f.bring(ctx, r.Context, f.keepGitDir())
		if err != nil {
			return err
		}
		r.Context = Context{Folder: a.dir, passing: true}
		if r.Source.Content == nil {
			if r.Source, err = f.source(a, r.Source); err != nil {
				return err
			}
		}
	}
	r.Contexts = maps.Clone(r.Contexts)
	for _, name := range slices.Sorted(maps.Keys(r.Contexts)) {
		here, err := f.named(ctx, r.Contexts[name])
		if err != nil {
			return err
		}
		r.Contexts[name] = here
	}
	return nil
}

// named gets a named context.
func (f *Fetched) named(ctx context.Context, c Context) (Context, error) {
	switch {
	case c.Layout != Layout{}:
		return f.image(ctx, c.Layout)
	case !c.Away():
		return c, nil
	}
	a, err := f.bring(ctx, c, false)
	if err != nil {
		return c, err
	}
	if a.text != nil {
		return c, &InputError{Message: fmt.Sprintf("the build context %s is not a tar", c), Help: "pack it into one, or have the build file get it with ADD"}
	}
	return Context{Folder: a.dir, passing: true}, nil
}

// keepGitDir says whether .git stays in the main context.
func (f *Fetched) keepGitDir() (keep bool) {
	for _, a := range f.Request.Args {
		if a.Name == keepGitDir {
			keep, _ = strconv.ParseBool(a.Value)
		}
	}
	return keep
}

// bring fetches one context.
func (f *Fetched) bring(ctx context.Context, c Context, keepGitDir bool) (*arrival, error) {
	a, err := f.arrival(c)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Git != "":
		err = f.clone(ctx, a, c.Git, keepGitDir)
	case c.URL != "":
		err = f.download(ctx, a, c.URL)
	default:
		err = a.read(&ctxReader{ctx, c.Stream})
	}
	if err != nil {
		return nil, fetchError(ctx, c, err)
	}
	return a, nil
}

// arrival makes the folder for a context, and first removes those of builds that
// were killed.
func (f *Fetched) arrival(c Context) (*arrival, error) {
	dead, err := f.host.deadJobs(contextJobs)
	if err != nil {
		return nil, err
	}
	for _, j := range dead {
		removeUnpacked(j)
	}
	job, err := f.host.newJobDir(contextJobs)
	if err != nil {
		return nil, err
	}
	a := &arrival{name: c.String(), file: c.String(), dir: job.exports(), job: job}
	if c.Stream != nil {
		a.file = "<stdin>"
	}
	f.arrivals = append(f.arrivals, a)
	return a, nil
}

// source returns the build file: what came instead of a tar, else the named
// file of the context, else the one a frontend claims.
func (f *Fetched) source(a *arrival, s Source) (Source, error) {
	if a.text != nil {
		if s.Name != "" {
			return s, &InputError{Message: fmt.Sprintf("there is no build file %s: %s is a build file, not a context", s.Name, a.name), Help: "send a tar, or leave out the name"}
		}
		s.Name, s.Content = a.file, a.text
		return s, nil
	}
	if s.Name == "" {
		found, err := f.host.Discover(a.dir)
		var none *InputError
		if errors.As(err, &none) {
			none.Message = strings.ReplaceAll(none.Message, a.dir, "the context from "+a.name)
		}
		if err != nil {
			return s, err
		}
		s.Name = filepath.Base(found)
	}
	content, err := a.content(s.Name)
	if err != nil {
		return s, &InputError{Message: fmt.Sprintf("cannot read the build file %s of the context from %s", s.Name, a.name), Help: "name a file in it with --file", Err: cause(err)}
	}
	s.Path, s.Content = filepath.Join(a.dir, s.Name), content
	return s, nil
}

// content reads a file of the context. Links do not lead out of it.
func (a *arrival) content(name string) ([]byte, error) {
	root, err := os.OpenRoot(a.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, MaxSource+1))
}

// Close removes what was fetched, and what is remembered of it.
func (f *Fetched) Close() {
	for _, a := range f.arrivals {
		_ = os.Remove(f.host.path("contexts", keys.Key(a.dir)))
		removeUnpacked(a.job)
	}
	for _, release := range f.releases {
		release()
	}
	f.arrivals, f.releases = nil, nil
}

// removeUnpacked removes a job with folders of any mode.
func removeUnpacked(j *jobDir) {
	_ = filepath.WalkDir(j.path, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	j.remove()
}
