// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soon is the patience with servers that never answer.
const soon = time.Second

// hostile is a server that does what its paths say.
func hostile(t *testing.T) string {
	t.Helper()
	end := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/silent/", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/stalls", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for data := make([]byte, 1<<16); ; {
			if _, err := w.Write(data); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/loop/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) })
	mux.HandleFunc("/denied/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() { close(end); s.Close() })
	return s.URL
}

// mute is the address of a server that takes every connection and says nothing.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

// withUser puts a user and a password into a URL.
func withUser(url string) string { return strings.Replace(url, "://", "://joe:s3cret@", 1) }

func TestURLBounds(t *testing.T) {
	server := hostile(t)
	for path, want := range map[string]string{
		"/silent/x": "the server sent nothing for 1s",
		"/stalls":   "the server sent nothing for 1s",
		"/endless":  "it has more than 1000000 bytes",
		"/loop/x":   "stopped after 10 redirects",
		"/denied/x": "the server answered 401",
		"/gone":     "the server answered 404",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			o := URLOptions{Limit: 1e6}
			if strings.Contains(want, "sent nothing") {
				o.Patience = soon
			}
			_, err := URL(t.Context(), withUser(server)+path, t.TempDir(), o)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error is %v; want %q", err, want)
			}
		})
	}
}

func TestURLIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon/10, cancel)
	if _, err := URL(ctx, hostile(t)+"/stalls", t.TempDir(), URLOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestURLLogsIn(t *testing.T) {
	s := httptest.NewServer(onlyJoe(http.HandlerFunc(files)))
	defer s.Close()
	got, err := URL(t.Context(), withUser(s.URL)+"/dir/file.txt?x=/y", t.TempDir(), URLOptions{Name: "other"})
	if err != nil || got.Digest != served || got.Name != "other" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func onlyJoe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "joe" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// behind serves another server's content to joe only.
func behind(t *testing.T, origin string) string {
	t.Helper()
	s := httptest.NewServer(onlyJoe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(origin + r.URL.Path)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})))
	t.Cleanup(s.Close)
	return s.URL
}

// user is the environment of a user with a git configuration.
func user(t *testing.T, config string) []string {
	t.Helper()
	home := t.TempDir()
	write(t, filepath.Join(home, ".gitconfig"), config)
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
}

// none is a user who has configured nothing.
func none(t *testing.T) []string { return user(t, "") }

func TestGitBounds(t *testing.T) {
	server := hostile(t)
	url, _, _ := serve(t)
	for name, c := range map[string]struct {
		source string
		o      GitOptions
		want   string
	}{
		"silent":        {withUser(server) + "/silent/x.git", GitOptions{Patience: soon, User: none(t)}, "Operation too slow"},
		"silent to ADD": {withUser(server) + "/silent/x.git", GitOptions{Patience: soon}, "Operation too slow"},
		"silent git:":   {"git://" + mute(t) + "/x", GitOptions{Patience: soon / 5}, "nothing came for 1s"},
		"loop":          {withUser(server) + "/loop/x.git", GitOptions{}, "redirect"},
		"denied":        {withUser(server) + "/denied/x.git", GitOptions{User: none(t)}, "could not read Password"},
		"gone":          {withUser(server) + "/x.git", GitOptions{}, "not found"},
		"large":         {url, GitOptions{Limit: 1000}, "it has more than 1000 bytes"},
		"another one":   {url + "?commit=0123456", GitOptions{}, "0123456"},
		"not that one":  {url + "?tag=v1&checksum=0123456", GitOptions{}, "not 0123456"},
		"malformed":     {url + "?nosuch=1", GitOptions{}, `unknown key "nosuch"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Git(t.Context(), c.source, t.TempDir(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error is %v; want %q", err, c.want)
			}
		})
	}
}

func TestGitIsInterrupted(t *testing.T) {
	server := hostile(t)
	for name, environ := range map[string][]string{"of ADD": nil, "of a user": none(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(soon/2, cancel)
			if _, err := Git(ctx, server+"/silent/x.git", t.TempDir(), GitOptions{User: environ}); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestGitLogsIn(t *testing.T) {
	url, _, second := serve(t)
	private := behind(t, strings.TrimSuffix(url, "/.git")) + "/.git"
	for name, c := range map[string]struct {
		source string
		user   []string
	}{
		"password of the address": {withUser(private), none(t)},
		"password, to ADD":        {withUser(private), nil},
		"helper":                  {private, user(t, "[credential]\n\thelper = \"!f() { echo username=joe; echo password=s3cret; }; f\"\n")},
		"other address":           {"https://nowhere.invalid/x.git", user(t, `[url "`+withUser(private)+"\"]\n\tinsteadOf = https://nowhere.invalid/x.git\n")},
		"variables": {"https://nowhere.invalid/x.git", append(none(t),
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+withUser(private)+".insteadOf", "GIT_CONFIG_VALUE_0=https://nowhere.invalid/x.git")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			got, err := Git(t.Context(), c.source, dir, GitOptions{User: c.user, KeepGitDir: true})
			if err != nil || got.Digest != second {
				t.Fatalf("got %+v, error %v", got, err)
			}
			secretless(t, dir)
		})
	}
}

// secretless looks for the password in every file of a folder.
func secretless(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if strings.Contains(string(text), "s3cret") {
			t.Errorf("%s has the password", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What a user has configured of files, and where zlayer runs, changes nothing.
func TestGitIsTheSameForEverybody(t *testing.T) {
	url, _, second := serve(t)
	templates, mark := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	hook := filepath.Join(templates, "hooks", "post-checkout")
	write(t, hook, "#!/bin/sh\ntouch "+mark+"\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	config := "[init]\n\ttemplateDir = " + templates + "\n[core]\n\thooksPath = " + filepath.Dir(hook) + "\n\tautocrlf = true\n[checkout]\n\tnosuch\n"
	environ := append(user(t, config), "GIT_DIR="+other, "GIT_WORK_TREE="+other, "GIT_INDEX_FILE="+filepath.Join(other, "index"),
		"GIT_ASKPASS=/nosuch", "SSH_ASKPASS=/nosuch", "GIT_ALLOW_PROTOCOL=ext")
	dir := t.TempDir()
	got, err := Git(t.Context(), url, dir, GitOptions{User: environ})
	if err != nil || got.Digest != second {
		t.Fatalf("got %+v, error %v", got, err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a hook ran")
	}
	if entries, _ := os.ReadDir(other); len(entries) > 0 {
		t.Errorf("another repository was touched: %v", entries)
	}
	for name, mode := range map[string]fs.FileMode{".": 0o755, "sub": 0o755, "sub/f": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode || !info.ModTime().Equal(committed) {
			t.Errorf("%s has mode %v and time %v, %v", name, info.Mode(), info.ModTime(), err)
		}
	}
}

// Protocols that run commands or read local files are refused, also where an
// address of the user's configuration leads to them.
func TestGitProtocols(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "ran")
	for _, to := range []string{"ext::touch " + mark + " #", "file://" + t.TempDir(), t.TempDir()} {
		environ := user(t, `[url "`+to+"\"]\n\tinsteadOf = https://h.invalid/\n")
		if _, err := Git(t.Context(), "https://h.invalid/x.git", t.TempDir(), GitOptions{User: environ}); err == nil || !strings.Contains(err.Error(), "not allowed") {
			t.Errorf("%s: error is %v", to, err)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a command ran")
	}
}
