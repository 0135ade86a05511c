// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// committed is when the commits of serve were made.
var committed = time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)

// serve makes a repository and serves it. Its tag v1 is one commit behind main.
func serve(t *testing.T) (url, first, second string) {
	t.Helper()
	work := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=b", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE="+committed.Format(time.RFC3339))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write(t, filepath.Join(work, "sub", "f"), "one")
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "first")
	git("tag", "v1")
	first = git("rev-parse", "HEAD")
	write(t, filepath.Join(work, "sub", "f"), "two")
	git("commit", "-qam", "second")
	second = git("rev-parse", "HEAD")
	git("update-server-info")
	s := httptest.NewServer(http.FileServer(http.Dir(work)))
	t.Cleanup(s.Close)
	return s.URL + "/.git", first, second
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestGit(t *testing.T) {
	url, first, second := serve(t)
	for name, c := range map[string]struct {
		fragment       string
		o              GitOptions
		commit, at, is string
	}{
		"head":           {"", GitOptions{}, second, "sub/f", "two"},
		"tag":            {"#v1", GitOptions{Checksum: first}, first, "sub/f", "one"},
		"short checksum": {"#v1", GitOptions{Checksum: first[:7]}, first, "sub/f", "one"},
		"branch, folder": {"#main:sub", GitOptions{}, second, "f", "two"},
		"only a folder":  {"#:sub", GitOptions{}, second, "f", "two"},
		"commit":         {"#" + first, GitOptions{}, first, "sub/f", "one"},
		"history":        {"#v1", GitOptions{KeepGitDir: true}, first, "sub/f", "one"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			got, err := Git(context.Background(), url+c.fragment, dir, c.o)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(got.Dir, c.at))
			if err != nil || string(text) != c.is || got.Digest != c.commit || got.Name != "" {
				t.Errorf("got %+v with %q, %v", got, text, err)
			}
			if !got.Time.Equal(committed) {
				t.Errorf("the time is %v", got.Time)
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the folder is %v, %v", info, err)
			}
			if _, err := os.Stat(filepath.Join(dir, ".git")); (err == nil) != c.o.KeepGitDir {
				t.Errorf(".git: %v", err)
			}
		})
	}
}

func TestGitFails(t *testing.T) {
	url, _, _ := serve(t)
	for fragment, want := range map[string]string{
		"#nope":          "nope",
		"#main:nope":     `no folder "nope"`,
		"#main:sub/f":    `no folder "sub/f"`,
		"#main:../../..": "escapes",
	} {
		if got, err := Git(context.Background(), url+fragment, t.TempDir(), GitOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, error %v; want %q", fragment, got, err, want)
		}
	}
}

func TestGitChecksums(t *testing.T) {
	url, first, second := serve(t)
	for _, want := range []string{second, first[:6], first[1:], "sha256:" + first} {
		_, err := Git(context.Background(), url+"#v1", t.TempDir(), GitOptions{Checksum: want})
		var wrong *ChecksumError
		if !errors.As(err, &wrong) || wrong.Want != want || wrong.Got != first {
			t.Errorf("%s: error is %v", want, err)
		}
	}
}

func TestGitIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Git(context.Background(), "https://example.com/r.git", t.TempDir(), GitOptions{}); !errors.Is(err, ErrNoGit) {
		t.Errorf("error is %v", err)
	}
}
