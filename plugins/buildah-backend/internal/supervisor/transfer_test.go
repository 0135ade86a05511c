// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestCopyPlaces(t *testing.T) {
	files := map[string]string{
		"f": "f", "g": "g", "d/x": "x", "d/sub/y": "y", "d/to-f": "-> ../f", "lf": "-> f", "ld": "-> d", "space name": "s", "e/": "",
	}
	for name, c := range map[string]struct {
		step *irv1.Transfer
		want []string
	}{
		"file to name":        {&irv1.Transfer{Sources: []string{"f"}, Destination: "/new/name"}, []string{"5 0755 0:0 new", `0 0644 0:0 new/name "f"`}},
		"file to folder":      {&irv1.Transfer{Sources: []string{"f"}, Destination: "/new/"}, []string{"5 0755 0:0 new", `0 0644 0:0 new/f "f"`}},
		"file to existing":    {&irv1.Transfer{Sources: []string{"f"}, Destination: "/srv"}, []string{"5 0755 0:0 srv", `0 0644 0:0 srv/f "f"`}},
		"file over file":      {&irv1.Transfer{Sources: []string{"f"}, Destination: "/etc/group"}, []string{"5 0755 0:0 etc", `0 0644 0:0 etc/group "f"`}},
		"file to root":        {&irv1.Transfer{Sources: []string{"f"}, Destination: "/"}, []string{`0 0644 0:0 f "f"`}},
		"through a link":      {&irv1.Transfer{Sources: []string{"f"}, Destination: "/bin/sh/"}, nil},
		"folder":              {&irv1.Transfer{Sources: []string{"d"}, Destination: "/new"}, []string{"5 0755 0:0 new", "5 0755 0:0 new/sub", `0 0644 0:0 new/sub/y "y"`, "2 0777 0:0 new/to-f -> ../f", `0 0644 0:0 new/x "x"`}},
		"folder to existing":  {&irv1.Transfer{Sources: []string{"d"}, Destination: "/srv"}, []string{"5 0755 0:0 srv", "5 0755 0:0 srv/sub", `0 0644 0:0 srv/sub/y "y"`, "2 0777 0:0 srv/to-f -> ../f", `0 0644 0:0 srv/x "x"`}},
		"link to file":        {&irv1.Transfer{Sources: []string{"lf"}, Destination: "/srv/"}, []string{"5 0755 0:0 srv", `0 0644 0:0 srv/lf "f"`}},
		"link to folder":      {&irv1.Transfer{Sources: []string{"ld/sub"}, Destination: "/srv/"}, []string{"5 0755 0:0 srv", `0 0644 0:0 srv/y "y"`}},
		"several":             {&irv1.Transfer{Sources: []string{"f", "g", "d/sub"}, Destination: "/n/"}, []string{"5 0755 0:0 n", `0 0644 0:0 n/f "f"`, `0 0644 0:0 n/g "g"`, `0 0644 0:0 n/y "y"`}},
		"wildcard":            {&irv1.Transfer{Sources: []string{"?"}, Destination: "/n/", Exclude: []string{"g", "sub"}}, []string{"5 0755 0:0 n", `0 0644 0:0 n/f "f"`, "2 0777 0:0 n/to-f -> ../f", `0 0644 0:0 n/x "x"`}},
		"space":               {&irv1.Transfer{Sources: []string{"space name"}, Destination: "/a b"}, []string{`0 0644 0:0 a b "s"`}},
		"parents":             {&irv1.Transfer{Sources: []string{"d/sub/y", "f"}, Destination: "/n", Parents: true}, []string{"5 0755 0:0 n", "5 0755 0:0 n/d", "5 0755 0:0 n/d/sub", `0 0644 0:0 n/d/sub/y "y"`, `0 0644 0:0 n/f "f"`}},
		"parents of a folder": {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n", Parents: true}, []string{"5 0755 0:0 n", "5 0755 0:0 n/d", "5 0755 0:0 n/d/sub", `0 0644 0:0 n/d/sub/y "y"`}},
		"chown by number":     {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n/m", Chown: "5"}, []string{"5 0755 5:5 n", "5 0755 5:5 n/m", `0 0644 5:5 n/m/y "y"`}},
		"chown by name":       {&irv1.Transfer{Sources: []string{"f"}, Destination: "/n", Chown: "web:extra"}, []string{`0 0644 33:50 n "f"`}},
		"chmod":               {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n", Chmod: "4751"}, []string{"5 0751 0:0 n", `0 4751 0:0 n/y "y"`}},
		"chmod of made":       {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n/m", Chmod: "700"}, []string{"5 0700 0:0 n", "5 0700 0:0 n/m", `0 0700 0:0 n/m/y "y"`}},
		"chmod symbolic":      {&irv1.Transfer{Sources: []string{"d/sub"}, Destination: "/n", Chmod: "u=rwX,go=X"}, []string{"5 0755 0:0 n", `0 0600 0:0 n/y "y"`}},
		"link flag":           {&irv1.Transfer{Sources: []string{"f"}, Destination: "/srv/s/", Link: true}, []string{"5 0755 0:0 srv", "5 0755 0:0 srv/s", `0 0644 0:0 srv/s/f "f"`}},
		"inline":              {&irv1.Transfer{Inline: []*irv1.InlineFile{{Name: "i", Content: []byte("in\n")}}, Destination: "/srv/", Chmod: "755", Chown: "web"}, []string{"5 0755 0:0 srv", `0 0755 33:34 srv/i "in\n"`}},
		"inline to name":      {&irv1.Transfer{Inline: []*irv1.InlineFile{{Name: "i", Content: []byte("in\n")}}, Destination: "/q"}, []string{`0 0644 0:0 q "in\n"`}},
		"whole context":       {&irv1.Transfer{Sources: []string{"."}, Destination: "/all/", Exclude: []string{"d", "*f", "space*"}}, []string{"5 0755 0:0 all", "5 0755 0:0 all/e", `0 0644 0:0 all/g "g"`, "2 0777 0:0 all/ld -> d"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.step.From = r.context(files)
			r.stage(r.busybox(), transfer(c.step))
			o := r.build()
			if c.want == nil {
				wantSource(t, o.err, "/bin/busybox")
				return
			}
			if o.err != nil {
				t.Fatal(o.err)
			}
			r.export(o.artifact).want(t, c.want...)
		})
	}
}

// wantSource checks for a failure of the source that mentions words.
func wantSource(t testing.TB, err error, words ...string) {
	t.Helper()
	var f *backend.Failure
	if !errors.As(err, &f) || f.Kind != backendv1.FailureKind_FAILURE_KIND_SOURCE {
		t.Fatalf("error is %#v", err)
	}
	for _, w := range words {
		if !strings.Contains(f.Message+f.Help, w) {
			t.Errorf("%q is not in %q, %q", w, f.Message, f.Help)
		}
	}
}

func TestCopyMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		step  *irv1.Transfer
		words []string
	}{
		"missing":        {&irv1.Transfer{Sources: []string{"nope"}, Destination: "/"}, []string{`"nope"`, "does not exist"}},
		"no folder":      {&irv1.Transfer{Sources: []string{"nope/*"}, Destination: "/"}, []string{`"nope"`, `"nope/*"`}},
		"hidden folder":  {&irv1.Transfer{Sources: []string{"hidden/*"}, Destination: "/"}, []string{`"hidden"`, "ignore rule 1"}},
		"no pattern":     {&irv1.Transfer{Sources: []string{`\*.nope`}, Destination: "/"}, []string{"does not exist"}},
		"whiteout":       {&irv1.Transfer{Sources: []string{"wh"}, Destination: "/"}, []string{`"/.wh.etc"`, "removed"}},
		"long name":      {&irv1.Transfer{Sources: []string{"f"}, Destination: "/" + strings.Repeat("n", 256)}, []string{"longer than 255 bytes"}},
		"links":          {&irv1.Transfer{Sources: []string{"f"}, Destination: "/bin/loop/f"}, []string{`"/bin/loop/f"`, "40 symbolic links"}},
		"ignored":        {&irv1.Transfer{Sources: []string{"hidden/x"}, Destination: "/"}, []string{`"hidden/x"`, "hidden", "ignore rule 1"}},
		"escaping":       {&irv1.Transfer{Sources: []string{"escape"}, Destination: "/"}, []string{`"escape"`}},
		"unknown user":   {&irv1.Transfer{Sources: []string{"f"}, Destination: "/", Chown: "ghost"}, []string{"ghost", "/etc/passwd"}},
		"bad mode":       {&irv1.Transfer{Sources: []string{"f"}, Destination: "/", Chmod: "z"}, []string{"--chmod=z"}},
		"file on folder": {&irv1.Transfer{Sources: []string{"on"}, Destination: "/"}, []string{"/etc", "folder"}},
		"below a file":   {&irv1.Transfer{Sources: []string{"f"}, Destination: "/etc/passwd/x"}, []string{"/etc/passwd"}},
		"folder on file": {&irv1.Transfer{Sources: []string{"d"}, Destination: "/etc/passwd"}, []string{"/etc/passwd", "file"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.step.From = r.context(map[string]string{"f": "f", "d/x": "x", "hidden/x": "x", "on/etc": "x", "wh/.wh.etc": "", "escape": "-> /../../../../../../etc/shells", "links/loop": "-> loop"}, "hidden")
			r.stage(r.busybox(), copyTo(c.step.From, "/bin/", "links"), transfer(c.step))
			wantSource(t, r.build().err, c.words...)
			r.wantNothingLeft()
		})
	}
}

func TestCopyOntoLinks(t *testing.T) {
	r := newRig(t)
	ctx := r.context(map[string]string{"lib/in": "in", "lib/deep/er": "er", "x.tar": tarOf(t, false)})
	first := r.stage(r.busybox(), exec(sh("mkdir -p -m 700 /usr/lib; ln -s usr/lib /lib; ln -s /usr/lib /in; ln -s ../nowhere /l2")))
	r.stage(first, copyTo(ctx, "/", "."), copyTo(ctx, "/l2/new", "lib/in"), transfer(&irv1.Transfer{Add: true, From: ctx, Sources: []string{"x.tar"}, Destination: "/"}))
	o, files := r.mustBuild()
	for name, want := range map[string]string{"usr/lib/in": "in", "usr/lib/deep/er": "er", "nowhere/new": "in"} {
		if files[name].content != want {
			t.Errorf("%s is %q", name, files[name].content)
		}
	}
	second := r.layer(o.artifact, o.artifact.Blobs[1])
	if f := second["usr/lib"]; f.Mode != 0o700 {
		t.Errorf("the repeated folder is %+v", f.Header)
	}
	if _, ok := second["lib"]; ok {
		t.Error("the link was replaced")
	}
}

func TestCopyFromStageAndImage(t *testing.T) {
	r := newRig(t)
	base := r.busybox()
	made := r.stage(base, exec(sh("mkdir -m 2775 /o; echo x >/o/f; chown 33:34 /o/f; ln /o/f /o/g; ln -s /o /via; chmod 640 /o/f")))
	r.stage(scratch,
		copyTo(made, "/kept", "via"),
		transfer(&irv1.Transfer{From: made, Sources: []string{"o/f"}, Destination: "/owned", Chown: "7:8"}),
		copyTo(base, "/img/", "etc/pass*"),
	)
	_, files := r.mustBuild()
	files.want(t,
		"5 0755 0:0 img",
		`0 0644 0:0 img/passwd "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n"`,
		"5 0755 0:0 kept",
		`0 0640 33:34 kept/f "x\n"`,
		"1 0640 33:34 kept/g -> kept/f",
		`0 0640 7:8 owned "x\n"`,
	)
}

// TestCopyMatchesNothing copies what may be there: it is no error while it is
// not, and copied when it is.
func TestCopyMatchesNothing(t *testing.T) {
	r := newRig(t)
	ctx := r.context(map[string]string{"package.json": "{}"})
	app := copyTo(ctx, "/app/", "package.json", "yarn.lock*")
	app.Range = &diagv1.Range{Line: 7}
	made := r.stage(scratch, app, copyTo(ctx, "/locks/", "*.lock"))
	r.stage(made, copyTo(made, "/", "app/y*"))
	o, files := r.mustBuild()
	files.want(t, "5 0755 0:0 app", `0 0644 0:0 app/package.json "{}"`)
	const first = `0.0 line 7 copy-matches-nothing: no file matches the source "yarn.lock*", so it copies nothing`
	if len(o.warnings) != 3 || o.warnings[0] != first || !strings.HasPrefix(o.warnings[1], "0.1 ") || !strings.HasPrefix(o.warnings[2], "1.0 ") {
		t.Errorf("warnings are %q", o.warnings)
	}
	if len(o.artifact.Blobs) != 1 {
		t.Errorf("layers are %v", o.artifact.Blobs)
	}
	if o := r.build(); o.cached() != 3 || len(o.warnings) != 2 {
		t.Errorf("again: %v, warnings %q", o.steps, o.warnings)
	}
	writeFiles(t, r.contexts[0].Path, map[string]string{"yarn.lock": "l"})
	o, files = r.mustBuild()
	if o.cached() != 0 || len(o.warnings) != 0 || files["app/yarn.lock"].content != "l" || files["yarn.lock"].content != "l" || files["locks/yarn.lock"].content != "l" {
		t.Errorf("with the file there: %v, warnings %q, files\n%s", o.steps, o.warnings, files.list())
	}
}

func TestIgnoreRules(t *testing.T) {
	r := newRig(t)
	ctx := r.context(map[string]string{"a.md": "a", "keep.md": "k", "d/b.md": "b", "d/c": "c"}, "**/*.md", "!keep.md")
	r.stage(scratch, copyTo(ctx, "/", "."))
	_, files := r.mustBuild()
	files.want(t, "5 0755 0:0 d", `0 0644 0:0 d/c "c"`, `0 0644 0:0 keep.md "k"`)
}

func TestAddURL(t *testing.T) {
	served := 0
	archive := tarOf(t, true)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		served++
		switch q.URL.Path {
		case "/dir/file.txt":
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			w.Write([]byte("served"))
		case "/x.tgz":
			w.Write([]byte(archive))
		default:
			http.NotFound(w, q)
		}
	}))
	defer s.Close()
	r := newRig(t)
	from := r.context(map[string]string{"local": "l"})
	url := s.URL + "/dir/file.txt?q=1"
	r.stage(scratch,
		transfer(&irv1.Transfer{Add: true, From: from, Sources: []string{url, "local"}, Destination: "/u/", Chmod: "644"}),
		transfer(&irv1.Transfer{Add: true, Sources: []string{url}, Destination: "/named", Checksum: digestOf([]byte("served"))}),
		transfer(&irv1.Transfer{Add: true, Sources: []string{s.URL + "/x.tgz"}, Destination: "/packed.tgz"}),
		transfer(&irv1.Transfer{Add: true, Sources: []string{s.URL + "/x.tgz"}, Destination: "/open/", Unpack: irv1.Unpack_UNPACK_ALWAYS, Chown: "9"}),
	)
	o, files := r.mustBuild()
	for name, want := range map[string]string{"u/file.txt": "served", "u/local": "l", "named": "served", "packed.tgz": archive, "open/z": "", "open/a": "z"} {
		if f, ok := files[name]; !ok || f.content != want {
			t.Errorf("%s is %q", name, f.content)
		}
	}
	if f := files["named"]; f.Mode != 0o600 || f.ModTime.Year() != 2006 {
		t.Errorf("a fetched file is %+v", f.Header)
	}
	if files["open/a"].Uid != 9 {
		t.Error("--chown does not hold for an unpacked archive")
	}
	if len(o.inputs) == 0 || o.inputs[0] != "url "+url+" "+digestOf([]byte("served")) {
		t.Errorf("inputs are %v", o.inputs)
	}
	before := served
	if o, _ := r.mustBuild(); o.cached() != 4 || served != before+3 {
		t.Errorf("steps %v, %d requests: only a checksum saves one", o.steps, served-before)
	}

	r.container.Stages[0].Steps = []*irv1.ResolvedStep{transfer(&irv1.Transfer{Add: true, Sources: []string{url}, Destination: "/x", Checksum: "sha256:" + strings.Repeat("0", 64)})}
	wantSource(t, r.build().err, "sha256:0000", digestOf([]byte("served")))
	r.container.Stages[0].Steps = []*irv1.ResolvedStep{transfer(&irv1.Transfer{Add: true, Sources: []string{s.URL + "/gone"}, Destination: "/x"})}
	wantSource(t, r.build().err, "/gone", "404")
}

func TestAddGit(t *testing.T) {
	r := newRig(t)
	dir := filepath.Join(t.TempDir(), "repo.git")
	writeFiles(t, dir, map[string]string{"sub/f": "in git\n", "top": "t"})
	git := func(args ...string) string {
		cmd := osexec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=b", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "x")
	git("tag", "v1")
	git("update-server-info")
	commit := git("rev-parse", "HEAD")
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(dir))))
	defer s.Close()
	must(t, os.Rename(filepath.Join(dir, ".git"), dir+"-bare"))
	must(t, os.RemoveAll(dir))
	must(t, os.Rename(dir+"-bare", dir))
	url := s.URL + "/repo.git"
	r.stage(scratch,
		transfer(&irv1.Transfer{Add: true, Sources: []string{url + "#v1"}, Destination: "/all", Checksum: commit}),
		transfer(&irv1.Transfer{Add: true, Sources: []string{url + "#main:sub"}, Destination: "/sub/"}),
		transfer(&irv1.Transfer{Add: true, Sources: []string{url}, Destination: "/git", KeepGitDir: true}),
	)
	o, files := r.mustBuild()
	if files["all/sub/f"].content != "in git\n" || files["sub/f"].content != "in git\n" || files["all/.git/HEAD"].Name != "" || files["git/.git/HEAD"].Name == "" {
		t.Errorf("files are\n%s", files.list())
	}
	if f := files["all"]; f.Mode != 0o755 || !f.ModTime.Equal(files["git/top"].ModTime) {
		t.Errorf("the folder of a repository is %+v", f.Header)
	}
	if len(o.inputs) != 3 || o.inputs[0] != "git "+url+"#v1 "+commit {
		t.Errorf("inputs are %v", o.inputs)
	}
}

func TestMakeDir(t *testing.T) {
	r := newRig(t)
	r.stage(r.busybox(), workdir("/srv", ""), workdir("/srv/a/b", "web"), exec(sh("ln -s /srv/a /l")), workdir("/l/c", ""), workdir("/n", "123"))
	o, files := r.mustBuild()
	files.want(t, "2 0777 0:0 l -> /srv/a", "5 0755 123:123 n", "5 0755 0:0 srv", "5 0755 33:34 srv/a", "5 0755 33:34 srv/a/b", "5 0755 0:0 srv/a/c")
	if len(o.artifact.Blobs) != 4 {
		t.Errorf("blobs are %v", o.artifact.Blobs)
	}
	r.container.Stages[0].Steps = []*irv1.ResolvedStep{workdir("/etc/passwd", "")}
	wantSource(t, r.build().err, "/etc/passwd")
}
