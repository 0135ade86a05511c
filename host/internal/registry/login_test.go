// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document is the content of an auth file.
func document(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	var doc map[string]any
	must(t, json.Unmarshal(data, &doc))
	return doc
}

func TestLogin(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler) http.Handler{"basic": basicAuth, "token": (&tokens{}).wrap} {
		t.Run(name, func(t *testing.T) {
			host := serve(t, wrap)
			file := filepath.Join(t.TempDir(), "new", "auth.json")
			o := Options{AuthFiles: []string{file}}

			_, err := client(o).Login(context.Background(), host, "joe", "wr0ng")
			wantKind(t, err, KindDenied, "check the user name")
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), "wr0ng") {
				t.Errorf("the error shows the password: %v", err)
			}
			if _, err := os.Stat(file); err == nil {
				t.Fatal("credentials that the registry refuses were kept")
			}

			got, err := client(o).Login(context.Background(), host, "joe", "s3cret")
			if err != nil || got != file {
				t.Fatalf("kept in %q, %v", got, err)
			}
			if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
				t.Errorf("the file has mode %v", info.Mode())
			}
			wantKind(t, ask(o, host+"/app"), KindNotFound) // and not refused

			files, err := client(o).Logout(host)
			if err != nil || !slices.Equal(files, []string{file}) {
				t.Fatalf("removed from %q, %v", files, err)
			}
			wantKind(t, ask(o, host+"/app"), KindDenied)
			if files, err := client(o).Logout(host); err != nil || len(files) != 0 {
				t.Errorf("the second time, removed from %q, %v", files, err)
			}
		})
	}
}

func TestLoginKeepsWhatElseIsThere(t *testing.T) {
	host := serve(t, basicAuth)
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.json"), filepath.Join(dir, "config.json")
	must(t, os.WriteFile(file, []byte(`{"auths":{"other.example":{"auth":"am9lOng=","new":[1]},"`+host+`/team":{"auth":"am9lOng="}},"future":{"a":1}}`), 0o640))
	must(t, os.Symlink(file, link))
	c := client(Options{AuthFiles: []string{link}})
	_, err := c.Login(context.Background(), host, "joe", "s3cret")
	must(t, err)
	_, err = c.Logout(host)
	must(t, err)
	want := map[string]any{
		"auths": map[string]any{
			"other.example": map[string]any{"auth": "am9lOng=", "new": []any{1.0}},
			host + "/team":  map[string]any{"auth": "am9lOng="},
		},
		"future": map[string]any{"a": 1.0},
	}
	if diff := cmp.Diff(want, document(t, file)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Lstat(link)
	must(t, err)
	if info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v now", info.Mode())
	}
}

func TestLoginChoosesTheFile(t *testing.T) {
	host := serve(t, basicAuth)
	tests := []struct {
		name, variable, want string
		files                []string
	}{
		{"the first", "", "a", []string{"a", "b"}},
		{"the first that is there", "", "empty", []string{"a", "empty", "b"}},
		{"the one with an entry", "", "known", []string{"empty", "known"}},
		{"the one the user named", "named", "named", []string{"named", "empty"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			must(t, os.WriteFile(path("empty"), []byte("{}"), 0o600))
			must(t, os.WriteFile(path("known"), []byte(`{"auths":{"`+host+`":{"auth":"am9lOng="}}}`), 0o600))
			t.Setenv(authFileVariable, path(tt.variable))
			o := Options{}
			for _, f := range tt.files {
				o.AuthFiles = append(o.AuthFiles, path(f))
			}
			got, err := client(o).Login(context.Background(), host, "joe", "s3cret")
			if err != nil || got != path(tt.want) {
				t.Errorf("kept in %s, %v", got, err)
			}
			wantKind(t, ask(o, host+"/app"), KindNotFound)
		})
	}
}

// TestLoginWithHelper keeps the password in the helper that the file names, and
// only there.
func TestLoginWithHelper(t *testing.T) {
	host := serve(t, basicAuth)
	dir := t.TempDir()
	script := `#!/bin/sh
case $1 in
store) cat > "` + dir + `/secret" ;;
get) cat "` + dir + `/secret" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "` + dir + `/secret" ;;
esac
`
	must(t, os.WriteFile(filepath.Join(dir, "docker-credential-zlkeep"), []byte(script), 0o700))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	file := filepath.Join(dir, "config.json")
	must(t, os.WriteFile(file, []byte(`{"credsStore":"zlkeep"}`), 0o600))
	o := Options{AuthFiles: []string{file}}
	_, err := client(o).Login(context.Background(), host, "joe", "s3cret")
	must(t, err)
	want := map[string]any{"credsStore": "zlkeep", "auths": map[string]any{host: map[string]any{}}}
	if diff := cmp.Diff(want, document(t, file)); diff != "" {
		t.Error(diff)
	}
	wantKind(t, ask(o, host+"/app"), KindNotFound)
	files, err := client(o).Logout(host)
	if err != nil || len(files) != 1 {
		t.Errorf("removed from %q, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "secret")); err == nil {
		t.Error("the helper still has it")
	}
	wantKind(t, ask(o, host+"/app"), KindDenied)
}

func TestLoginServers(t *testing.T) {
	c := client(Options{})
	for server, want := range map[string]string{
		"": "index.docker.io", "docker.io": "index.docker.io", "https://index.docker.io/v1/": "index.docker.io",
		"r.example": "r.example", "https://r.example:5000": "r.example:5000",
	} {
		if reg, err := c.server(server); err != nil || reg.RegistryStr() != want {
			t.Errorf("%q is %v, %v", server, reg, err)
		}
	}
	for _, server := range []string{"r.example/team", "a b", "://"} {
		_, err := c.server(server)
		wantKind(t, err, KindReference, "host:port")
	}
	hub, err := c.server("")
	must(t, err)
	if keys := authKeys(hub); keys[0] != "https://index.docker.io/v1/" {
		t.Errorf("docker's own registry is kept as %q", keys)
	}
}
