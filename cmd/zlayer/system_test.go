// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// containerBackends are the backends for images that come with zlayer.
var containerBackends = []string{"buildah-backend", "sandbox-backend"}

// onEach runs a test with each of them, in a state folder of its own.
func onEach(t *testing.T, test func(t *testing.T, s *sandbox)) {
	for _, backend := range containerBackends {
		t.Run(backend, func(t *testing.T) { test(t, newSandbox(t).on(backend)) })
	}
}

// buildLayout builds a context and reads the image back.
func (s *sandbox) buildLayout(context string, args ...string) (*image, string) {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "layout")
	args = append([]string{"build", filepath.Join(s.repo, context), "--output", "type=oci-layout,dest=" + dir}, args...)
	digest := s.zlayer(args...)
	return openLayout(s.t, dir), digest
}

// helloProgram builds the static program of two examples into a context that
// is a copy of the example.
func (s *sandbox) withHello(example string) string {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "context")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.repo, "examples", example))); err != nil {
		s.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	hello, err := os.ReadFile(filepath.Join(s.repo, "examples/scratch/bin/hello"))
	if err != nil {
		s.t.Fatal("examples/scratch/bin/hello is not built: run make examples/scratch/bin/hello: ", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "hello"), hello, 0o755); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// Two frontends, one image: from a Dockerfile and from a ZImagefile.
func TestScratchExamples(t *testing.T) {
	onEach(t, func(t *testing.T, s *sandbox) {
		for _, example := range []string{"scratch", "zimagefile"} {
			checkScratchExample(t, s, example)
		}
	})
}

func checkScratchExample(t *testing.T, s *sandbox, example string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	s.zlayer("build", s.withHello(example), "--output", "type=oci-layout,dest="+dir)
	img := openLayout(t, dir)
	if got := img.files["/greeting"]; got.Content == "" || got.Type != '0' {
		t.Errorf("%s: RUN did not write /greeting: %+v", example, got)
	}
	if c := img.config.Config; c.User != "65534:65534" || !slices.Equal(c.Entrypoint, []string{"/hello"}) || !slices.Equal(c.Cmd, []string{"read", "/greeting"}) {
		t.Errorf("%s: config: %+v", example, c)
	}
}

// With SOURCE_DATE_EPOCH neither the state folder, nor the path of the context,
// nor the time of the files matters.
func TestReproducible(t *testing.T) {
	registry := serveBase(t)
	for _, example := range []string{"scratch", "debian"} {
		for _, backend := range containerBackends {
			var digests []string
			for range 2 {
				s := newSandbox(t).on(backend)
				s.env = append(s.env, "SOURCE_DATE_EPOCH=1700000000")
				digests = append(digests, s.zlayer("build", s.withHello(example), "--build-arg", "REGISTRY="+registry))
			}
			if digests[0] != digests[1] {
				t.Errorf("%s on %s: two digests: %s, %s", example, backend, digests[0], digests[1])
			}
		}
	}
}

func TestDebianExample(t *testing.T) {
	registry := serveBase(t)
	onEach(t, func(t *testing.T, s *sandbox) {
		for _, format := range []string{"oci", "docker"} {
			img, _ := s.buildLayout("examples/debian", "--build-arg", "REGISTRY="+registry, "--image-format", format, "--tag", "words:"+format)
			checkDebianFiles(t, img)
			checkDebianConfig(t, img)
			checkDebianHistory(t, img)
		}
	})
}

// The example that the benchmark measures.
func TestThreeStageExample(t *testing.T) { onEach(t, threeStage) }

func threeStage(t *testing.T, s *sandbox) {
	img, _ := s.buildLayout("examples/threestage", "--build-arg", "REGISTRY="+serveBase(t), "--build-arg", "VERSION=7")
	for name, want := range map[string]string{"/srv/app/version": "7\n", "/srv/app/status": "ready\n"} {
		if got := img.files[name].Content; got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if got := img.files["/usr/local/bin/count"]; got.Mode != 0o755 || got.Type != '0' {
		t.Errorf("/usr/local/bin/count: %+v", got)
	}
	if upper := img.files["/srv/app/upper.txt"].Content; upper == "" || upper != strings.ToUpper(upper) {
		t.Errorf("/srv/app/upper.txt holds %q", upper)
	}
}

func checkDebianFiles(t *testing.T, img *image) {
	t.Helper()
	want := map[string]file{
		"/triggered":       {'0', 0o644, 0, 0, "", "triggered\n"},
		"/srv":             {'5', 0o750, 1000, 1000, "", ""},
		"/srv/first":       {Type: '0', Mode: 0o644},
		"/srv/list":        {Type: '0', Mode: 0o640, UID: 1000, GID: 1000},
		"/srv/count":       {Type: '0', Mode: 0o640, UID: 1000, GID: 1000},
		"/srv/run.sh":      {Type: '0', Mode: 0o755, UID: 1000, GID: 1000},
		"/srv/built-on":    {'0', 0o644, 1000, 1000, "", "bookworm-slim\n"},
		"/srv/literal":     {'0', 0o644, 1000, 1000, "", "the quotes keep $SUITE as it is\n"},
		"/srv/script":      {'0', 0o644, 0, 0, "", "the first line chose who runs this\n"},
		"/srv/built-by":    {'0', 0o644, 1000, 1000, "", "1000\n"},
		"/var/cache/words": {},
		"/words":           {},
		"/scratch":         {},
	}
	for name, w := range want {
		got, there := img.files[name]
		if w == (file{}) {
			if there && got.Type != '5' {
				t.Errorf("%s is in the image: %+v", name, got)
			}
			continue
		}
		if w.Content == "" && w.Type == '0' {
			w.Content = got.Content
		}
		if got != w {
			t.Errorf("%s: got %+v, want %+v", name, got, w)
		}
	}
	for _, mount := range []string{"/words/list", "/scratch/first", "/var/cache/words/list"} {
		if _, there := img.files[mount]; there {
			t.Errorf("%s of a mount is in the image", mount)
		}
	}
}

func checkDebianConfig(t *testing.T, img *image) {
	t.Helper()
	c := img.config.Config
	want := v1.Config{
		User: "app", WorkingDir: "/srv", StopSignal: "SIGINT",
		Shell:        []string{"/bin/sh", "-euc"},
		Entrypoint:   []string{"/srv/run.sh"},
		Cmd:          []string{"list"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Volumes:      map[string]struct{}{"/srv/data": {}},
		Labels:       map[string]string{"org.opencontainers.image.title": "words", "org.opencontainers.image.base.name": "debian:bookworm-slim"},
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TRIGGERED=yes",
			"LANG=C.UTF-8", "APP_SUITE=bookworm-slim"},
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD-SHELL", "test -s /srv/list"}, Interval: 30e9, Timeout: 3e9, StartPeriod: 5e9, Retries: 2},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("config:\n got %+v\nwant %+v", c, want)
	}
}

// History shows the source text, one entry a step, and says which steps made a
// layer.
func checkDebianHistory(t *testing.T, img *image) {
	t.Helper()
	var lines []string
	layers := 0
	for _, h := range img.config.History {
		lines = append(lines, h.CreatedBy)
		if !h.EmptyLayer {
			layers++
		}
	}
	if have, err := img.Layers(); err != nil || len(have) != layers {
		t.Errorf("history counts %d layers, there are %d (%v)", layers, len(have), err)
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"RUN echo triggered > /triggered",
		"COPY --from=words --chown=1000:1000 --chmod=640 --link /work/list /work/count /srv/",
		"HEALTHCHECK --interval=30s",
		"echo 'app:x:1000:'",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("history lacks %q:\n%s", want, text)
		}
	}
}

// A file that changes while a build reads it must not be remembered as what it
// was before.
func TestContextChangesDuringBuild(t *testing.T) { onEach(t, contextChanges) }

func contextChanges(t *testing.T, s *sandbox) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("f", "one")
	write("Dockerfile", "FROM "+serveBase(t)+"/base:1\nRUN sleep 3\nCOPY f /\n")
	time.AfterFunc(time.Second, func() { write("f", "two") })
	first := s.zlayer("build", dir)
	write("f", "one")
	again := filepath.Join(t.TempDir(), "layout")
	if second := s.zlayer("build", dir, "--output", "type=oci-layout,dest="+again); second == first {
		t.Error("the result of the changed file was taken for that of the old one")
	}
	if got := openLayout(t, again).files["/f"].Content; got != "one" {
		t.Errorf("/f holds %q", got)
	}
}

// What is pushed is what was built, and a base that was pushed can be pulled.
func TestPushAndPull(t *testing.T) { onEach(t, pushAndPull) }

func pushAndPull(t *testing.T, s *sandbox) {
	registry := serveBase(t)
	digest := s.zlayer("build", s.withHello("scratch"), "--tag", registry+"/team/hello:1")
	if got := s.zlayer("push", registry+"/team/hello:1"); got != registry+"/team/hello@"+digest {
		t.Errorf("push said %s, the build %s", got, digest)
	}
	other := newSandbox(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM "+registry+"/team/hello:1\nUSER 0\nRUN [\"/hello\", \"write\", \"/more\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	layout := filepath.Join(t.TempDir(), "layout")
	other.zlayer("build", dir, "--output", "type=oci-layout,dest="+layout)
	img := openLayout(t, layout)
	if img.files["/more"].Content == "" || img.files["/greeting"].Content == "" {
		t.Errorf("files: %v", img.files)
	}
}

// HEALTHCHECK, SHELL and ONBUILD pass from stage to stage by Docker's rules, and
// are in the image whatever its format.
func TestDockerConfigSurvives(t *testing.T) { onEach(t, dockerConfig) }

func dockerConfig(t *testing.T, s *sandbox) {
	dir := t.TempDir()
	text := "FROM " + serveBase(t) + `/base:1 AS a
SHELL ["/bin/sh", "-exc"]
HEALTHCHECK --interval=7s CMD ["true"]
ONBUILD RUN echo from the stage > /trigger
FROM a
ONBUILD COPY . /app/
CMD echo ready
`
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"oci", "docker"} {
		layout := filepath.Join(t.TempDir(), "layout")
		s.zlayer("build", dir, "--image-format", format, "--output", "type=oci-layout,dest="+layout)
		img := openLayout(t, layout)
		c := img.config.Config
		if !slices.Equal(c.Shell, []string{"/bin/sh", "-exc"}) || !slices.Equal(c.Cmd, []string{"/bin/sh", "-exc", "echo ready"}) {
			t.Errorf("%s: shell %q, cmd %q", format, c.Shell, c.Cmd)
		}
		if c.Healthcheck == nil || c.Healthcheck.Interval != 7e9 || !slices.Equal(c.Healthcheck.Test, []string{"CMD", "true"}) {
			t.Errorf("%s: health check %+v", format, c.Healthcheck)
		}
		if !slices.Equal(c.OnBuild, []string{"COPY . /app/"}) || img.files["/trigger"].Content != "from the stage\n" {
			t.Errorf("%s: triggers %q, /trigger %+v", format, c.OnBuild, img.files["/trigger"])
		}
	}
}

// refusedCommand is what a user with one id is told about the build of
// TestUserOfCommand, by backend.
var refusedCommand = map[string][]string{
	"sandbox-backend": {"Dockerfile:4:1: error:", "RUN echo hello", "usermod --add-subuids"},
	"buildah-backend": {"Dockerfile:2:1: error:", "RUN mkdir", "usermod --add-subuids", "use sandbox-backend"},
}

// A command that runs as another user needs another id. Who has none is told so,
// with the line, before anything starts.
func TestUserOfCommand(t *testing.T) {
	for _, backend := range containerBackends {
		t.Run(backend, func(t *testing.T) { userOfCommand(t, newSandbox(t).on(backend), refusedCommand[backend]) })
	}
}

func userOfCommand(t *testing.T, s *sandbox, refused []string) {
	dir := t.TempDir()
	text := "FROM " + serveBase(t) + "/base:1\nRUN mkdir -m 777 /out\nUSER 1000:1000\nRUN echo hello > /out/file\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	layout := filepath.Join(t.TempDir(), "layout")
	_, err := s.try("build", dir, "--output", "type=oci-layout,dest="+layout)
	if os.Getenv(userEnv) != oneID {
		if err != nil {
			t.Fatalf("%v\n%s", err, stderrOf(err))
		}
		if got := openLayout(t, layout).files["/out/file"]; got.UID != 1000 || got.GID != 1000 || got.Content != "hello\n" {
			t.Errorf("/out/file: %+v", got)
		}
		return
	}
	message := stderrOf(err)
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%v, want exit code 7", err)
	}
	for _, want := range refused {
		if !strings.Contains(message, want) {
			t.Errorf("the message lacks %q:\n%s", want, message)
		}
	}
}
