// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// basicAuth asks for joe's password.
func basicAuth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != "joe" || pass != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// writeAuth writes a file with one entry.
func writeAuth(t *testing.T, key, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "auth.json")
	entry := base64.StdEncoding.EncodeToString([]byte("joe:" + password))
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, key, entry), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCredentials(t *testing.T) {
	open := atomic.Bool{}
	open.Store(true)
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if open.Load() {
				next.ServeHTTP(w, r)
				return
			}
			basicAuth(next).ServeHTTP(w, r)
		})
	})
	ref := host + "/team/app"
	put(t, ref)
	open.Store(false)
	missing := filepath.Join(t.TempDir(), "missing.json")

	t.Run("right", func(t *testing.T) {
		for _, key := range []string{host, host + "/team", host + "/team/app"} {
			other := writeAuth(t, "other.example", "wrong")
			must(t, ask(Options{AuthFiles: []string{missing, other, writeAuth(t, key, "s3cret")}}, ref))
		}
	})
	t.Run("nearest entry wins", func(t *testing.T) {
		file := writeAuth(t, host, "wrong")
		data, _ := os.ReadFile(writeAuth(t, host+"/team", "s3cret"))
		merged := strings.Replace(string(data), "{\"auths\":{", "{\"auths\":{\""+host+"\":{\"auth\":\"am9lOndyb25n\"},", 1)
		if err := os.WriteFile(file, []byte(merged), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, ask(Options{AuthFiles: []string{file}}, ref))
	})
	t.Run("wrong", func(t *testing.T) {
		file := writeAuth(t, host, "hunter2")
		err := ask(Options{AuthFiles: []string{file}}, ref)
		wantKind(t, err, KindDenied, file, "log in")
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "hunter2") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("joe:hunter2"))) {
			t.Errorf("the error shows the password: %s", text)
		}
	})
	t.Run("none", func(t *testing.T) {
		err := ask(Options{AuthFiles: []string{missing}}, ref)
		wantKind(t, err, KindDenied, missing)
	})
	t.Run("broken file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "auth.json")
		if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := ask(Options{AuthFiles: []string{file}}, ref)
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v does not name the file", err)
		}
	})
	t.Run("credential helper", func(t *testing.T) {
		dir := t.TempDir()
		script := "#!/bin/sh\nread host\n[ \"$host\" = " + host + " ] || exit 1\necho '{\"ServerURL\":\"'$host'\",\"Username\":\"joe\",\"Secret\":\"s3cret\"}'\n"
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-zltest"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		file := filepath.Join(dir, "config.json")
		if err := os.WriteFile(file, fmt.Appendf(nil, `{"credHelpers":{%q:"zltest"}}`, host), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, ask(Options{AuthFiles: []string{file}}, ref))
	})
}

func TestAuthFilesOfDockerAndPodman(t *testing.T) {
	t.Setenv("HOME", "/h")
	t.Setenv("REGISTRY_AUTH_FILE", "/r/auth.json")
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1")
	t.Setenv("XDG_CONFIG_HOME", "")
	want := []string{"/r/auth.json", "/h/.docker/config.json", "/run/user/1/containers/auth.json", "/h/.config/containers/auth.json"}
	if got := authFiles(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Setenv("DOCKER_CONFIG", "/d")
	t.Setenv("XDG_CONFIG_HOME", "/c")
	if got := authFiles(); got[1] != "/d/config.json" || got[3] != "/c/containers/auth.json" {
		t.Errorf("got %q", got)
	}
}
