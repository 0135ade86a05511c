// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/sdk/remote"
)

// clone fetches a repository.
func (f *Fetched) clone(ctx context.Context, a *arrival, source string, keepGitDir bool) error {
	got, err := remote.Git(ctx, source, a.dir, remote.GitOptions{
		Agent: f.Request.SSH["default"], KeepGitDir: keepGitDir, User: f.user(),
		Limit: f.limit, Patience: f.patience, Progress: f.emit.fetching(a.name),
	})
	if err != nil {
		return err
	}
	a.dir = got.Dir
	f.emit.fetched(a.name, got.Digest)
	return nil
}

// user is the environment whose git configuration leads to servers.
func (f *Fetched) user() []string {
	if f.host.config.Environ == nil {
		return []string{}
	}
	return f.host.config.Environ
}

// download fetches a tar or a build file.
func (f *Fetched) download(ctx context.Context, a *arrival, source string) error {
	got, err := remote.URL(ctx, source, a.job.temp(), remote.URLOptions{
		Name: "download", Limit: f.limit, Patience: f.patience, Progress: f.emit.fetching(a.name),
	})
	if err != nil {
		return err
	}
	packed := filepath.Join(got.Dir, got.Name)
	defer os.Remove(packed)
	file, err := os.Open(packed)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := a.readWithin(&ctxReader{ctx, file}, f.limit); err != nil {
		return err
	}
	f.emit.fetched(a.name, got.Digest)
	return nil
}

// fetching returns a function that passes on the progress of a context.
func (e *emitter) fetching(name string) remote.Progress {
	return func(current, total int64) {
		e.event(Event{Type: EventFetch, Name: name, Current: current, Total: total})
	}
}

// fetched passes on what a context is.
func (e *emitter) fetched(name, digest string) {
	e.event(Event{Type: EventFetch, Name: name, Digest: digest})
}

// fetchError says why a context cannot be had, and what to do.
func fetchError(ctx context.Context, c Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &InputError{Message: fmt.Sprintf("cannot use the build context from %s", c), Err: err}
	var large *remote.TooLargeError
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return stateError(err)
	case errors.As(err, &large):
		e.Err = fmt.Errorf("it has more than %d MiB", large.Limit>>20)
		e.Help = "leave out of it what the build does not need, or fetch it yourself and give the folder"
	case errors.Is(err, remote.ErrNoGit):
		e.Help = "install git, or give the URL of an archive of the repository"
	case c.Git != "":
		e.Help = gitHelp(err.Error())
	case c.URL != "":
		e.Help = urlHelp(err)
	default:
		e.Help = "send a tar, plain or compressed, or a build file"
	}
	return e
}

// gitHelps say what to do about what git says, which it says in English.
var gitHelps = []struct{ said, help string }{
	{"Host key verification failed", "connect to the server once with ssh, so that its key is known"},
	{"ermission denied (", "start ssh-agent with a key that has access, set SSH_AUTH_SOCK or give --ssh default=SOCKET, and check the address"},
	{"could not read Username", "check the address; for a private repository set up a credential helper of git, or use its ssh address"},
	{"could not read Password", "check user and password, or set up a credential helper of git"},
	{"Authentication failed", "check user and password, or the credential helper of git"},
	{"certificate", "install the authority that signed the server's certificate, or name its file with git's setting http.sslCAInfo"},
	{"not allowed", "only https, http, ssh and git are spoken to servers; check git's settings url.….insteadOf, and .gitmodules"},
	{"find remote ref", "check the branch or tag; a commit is written with all its digits"},
	{"did not match any", "check the branch, the tag or the commit; a commit is written with all its digits"},
	{"not our ref", "check the commit"},
	{"has no folder", "check the folder after the second colon"},
	{"Operation too slow", "the server sends nothing; try again later"},
	{"nothing came for", "the server sends nothing; try again later"},
	{"not found", "check the address; a private repository is not found without credentials"},
}

// gitHelp says what to do about an error of git.
func gitHelp(text string) string {
	for _, h := range gitHelps {
		if strings.Contains(text, h.said) {
			return h.help
		}
	}
	return "check the address and the network; git ls-remote ADDRESS tries it"
}

// urlHelp says what to do when a URL gave no context.
func urlHelp(err error) string {
	var status *remote.StatusError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return "install the authority that signed the server's certificate, or name its file with SSL_CERT_FILE"
	case !errors.As(err, &status):
		return "check the URL and the network, and that a tar is there, plain or compressed, or a build file"
	case status.Code == http.StatusUnauthorized, status.Code == http.StatusForbidden:
		return "write user and password into the URL, or fetch it with another tool and give the file: zlayer build - < FILE"
	case status.Code == http.StatusNotFound:
		return "check the URL; that of a git repository ends with .git"
	}
	return "check the URL, and try again later"
}
