// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/supervisor"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/worker"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// TestMain lets the test binary be its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "-test.") {
		worker.Main()
		return
	}
	os.Exit(m.Run())
}

// rig is a backend with folders of its own.
type rig struct {
	*supervisor.Backend
	t                   testing.TB
	state, images, temp string
	contexts            []*backendv1.Context
	container           *irv1.ResolvedContainer
	secrets, agents     map[string]string
	noCache             bool
	jobs                int
}

func newRig(t testing.TB) *rig { return newRigIn(t, t.TempDir()) }

// newRigIn makes a rig with its folders in dir.
func newRigIn(t testing.TB, dir string) *rig {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		Backend: &supervisor.Backend{Worker: self}, t: t,
		state: filepath.Join(dir, "state"), images: filepath.Join(dir, "images"), temp: filepath.Join(dir, "temp"),
		container: &irv1.ResolvedContainer{}, secrets: map[string]string{}, agents: map[string]string{},
	}
	for _, d := range []string{r.state, r.images, r.temp} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Files of other users in the state folder can only be removed from inside
	// the user namespace.
	t.Cleanup(func() { r.wipe() })
	return r
}

// context adds a build context with files by path; a path that ends in "/" is
// a folder, content that begins with "-> " a link.
func (r *rig) context(files map[string]string, ignore ...string) *irv1.Input {
	r.t.Helper()
	dir := filepath.Join(filepath.Dir(r.state), fmt.Sprintf("context-%d", len(r.contexts)))
	writeFiles(r.t, dir, files)
	r.contexts = append(r.contexts, &backendv1.Context{Path: dir, Ignore: ignore})
	r.container.Contexts = append(r.container.Contexts, "")
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT, Index: uint32(len(r.contexts) - 1)}
}

func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	for name, content := range files {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			must(t, os.Symlink(to, path))
			continue
		}
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stage adds a stage and returns it as an input.
func (r *rig) stage(base *irv1.Input, steps ...*irv1.ResolvedStep) *irv1.Input {
	r.container.Stages = append(r.container.Stages, &irv1.ResolvedStage{
		Base: base, Platform: &irv1.Platform{Os: "linux", Architecture: "amd64"}, Steps: steps,
	})
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_STAGE, Index: uint32(len(r.container.Stages) - 1)}
}

var scratch = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}

// busybox adds an image of busybox-static with a few users.
func (r *rig) busybox() *irv1.Input {
	r.t.Helper()
	program, err := os.ReadFile("/bin/busybox")
	must(r.t, err)
	var layer bytes.Buffer
	t := tar.NewWriter(&layer)
	add := func(h tar.Header, content string) {
		h.Size = int64(len(content))
		must(r.t, t.WriteHeader(&h))
		_, err := io.WriteString(t, content)
		must(r.t, err)
	}
	for _, d := range []string{"bin/", "etc/", "root/", "tmp/", "srv/"} {
		mode := int64(0o755)
		if d == "tmp/" {
			mode = 0o1777
		}
		add(tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: mode}, "")
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755}, string(program))
	for _, applet := range strings.Fields("sh cat ls echo id mkdir rm ln touch chmod chown sleep seq env stat ip wc dd printf test ps kill true false grep tr nc sort find readlink cmp mv cp head tail") {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + applet, Linkname: "busybox"}, "")
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/sh\n")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/group", Mode: 0o644}, "root:x:0:\nwww:x:34:\nextra:x:50:web\n")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "srv/owned", Mode: 0o640, Uid: 33, Gid: 34}, "owned\n")
	must(r.t, t.Close())
	return r.image(layer.Bytes())
}

// image adds an image of one layer to the layout.
func (r *rig) image(layer []byte) *irv1.Input {
	r.t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(layer)
	must(r.t, errors.Join(err, z.Close()))
	config := r.blob([]byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["` + digestOf(layer) + `"]}}`))
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"digest": config}, "layers": []any{map[string]any{"digest": r.blob(packed.Bytes())}},
	})
	must(r.t, err)
	r.container.Images = append(r.container.Images, &irv1.Image{Reference: "test", Digest: r.blob(manifest)})
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE, Index: uint32(len(r.container.Images) - 1)}
}

func (r *rig) blob(content []byte) string {
	r.t.Helper()
	digest := digestOf(content)
	dir := filepath.Join(r.images, "blobs", "sha256")
	must(r.t, os.MkdirAll(dir, 0o755))
	must(r.t, os.WriteFile(filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")), content, 0o644))
	return digest
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Steps.

func run(argv ...string) *irv1.Exec {
	return &irv1.Exec{Argv: argv, Env: []string{"PATH=/bin"}, Workdir: "/"}
}

func sh(line string) *irv1.Exec { return run("/bin/sh", "-ec", line) }

func exec(e *irv1.Exec) *irv1.ResolvedStep {
	return &irv1.ResolvedStep{Op: &irv1.ResolvedStep_Exec{Exec: e}}
}

func transfer(t *irv1.Transfer) *irv1.ResolvedStep {
	return &irv1.ResolvedStep{Op: &irv1.ResolvedStep_Transfer{Transfer: t}}
}

func copyTo(from *irv1.Input, dest string, sources ...string) *irv1.ResolvedStep {
	return transfer(&irv1.Transfer{From: from, Sources: sources, Destination: dest})
}

func workdir(path, owner string) *irv1.ResolvedStep {
	return &irv1.ResolvedStep{Op: &irv1.ResolvedStep_MakeDir{MakeDir: &irv1.MakeDir{Path: path, Owner: owner}}}
}

// outcome is what a build came to.
type outcome struct {
	*record
	artifact *backendv1.Artifact
	err      error
}

// build runs the build.
func (r *rig) build() *outcome { return r.buildContext(context.Background()) }

func (r *rig) start() *backendv1.Start {
	r.t.Helper()
	r.jobs++
	temp := filepath.Join(r.temp, fmt.Sprint(r.jobs))
	must(r.t, os.Mkdir(temp, 0o755))
	return &backendv1.Start{
		JobId: fmt.Sprintf("%s/%d", r.t.Name(), r.jobs), Contexts: r.contexts, ImagesDir: r.images, StateDir: r.state, TempDir: temp, NoCache: r.noCache,
		Build: &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Container{Container: r.container}},
	}
}

func (r *rig) buildContext(ctx context.Context) *outcome {
	r.t.Helper()
	rec := &record{rig: r}
	a, err := r.Build(ctx, r.start(), rec)
	return &outcome{rec, a, err}
}

// mustBuild builds and returns the files of the layers together.
func (r *rig) mustBuild() (*outcome, tree) {
	r.t.Helper()
	o := r.build()
	if o.err != nil {
		r.t.Fatalf("build: %v\n%s%s", o.err, o.stdout.String(), o.stderr.String())
	}
	return o, r.export(o.artifact)
}

// record is a backend.Job that writes down what it is told.
type record struct {
	rig            *rig
	mu             sync.Mutex
	steps          []string
	stdout, stderr bytes.Buffer
	inputs         []string
	warnings       []string
	seen           func(line string)
}

func (r *record) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, fmt.Sprintf(format, args...))
}

func (r *record) StepStarted(ref *backendv1.StepRef, _ string) {
	r.note("start %d.%d", ref.GetStage(), ref.GetStep())
}

func (r *record) StepFinished(ref *backendv1.StepRef, cached bool) {
	word := "done"
	if cached {
		word = "cached"
	}
	r.note("%s %d.%d", word, ref.GetStage(), ref.GetStep())
}

func (r *record) Output(_ *backendv1.StepRef, stderr bool, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stderr {
		r.stderr.Write(data)
	} else {
		r.stdout.Write(data)
	}
	if r.seen != nil {
		r.seen(string(data))
	}
}

func (r *record) Progress(*backendv1.StepRef, string, int64, int64) {}

func (r *record) Warn(ref *backendv1.StepRef, f *backendv1.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := f.GetDiagnostic()
	r.warnings = append(r.warnings, fmt.Sprintf("%d.%d line %d %s: %s", ref.GetStage(), ref.GetStep(), d.GetRange().GetLine(), d.GetCode(), d.GetMessage()))
}

func (r *record) InputRead(kind, name, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs = append(r.inputs, kind+" "+name+" "+digest)
}

func (r *record) Secret(_ context.Context, id string) ([]byte, bool, error) {
	value, ok := r.rig.secrets[id]
	return []byte(value), ok, nil
}

func (r *record) SSH(_ context.Context, id string) (string, bool, error) {
	socket, ok := r.rig.agents[id]
	return socket, ok, nil
}

// cached counts the steps that were cached.
func (r *record) cached() int {
	n := 0
	for _, s := range r.steps {
		if strings.HasPrefix(s, "cached") {
			n++
		}
	}
	return n
}

// wipe empties the state folder the way its owner has to: files of
// subordinate ids can only be removed from inside the user namespace.
func (r *rig) wipe() {
	if os.Geteuid() == 0 {
		return
	}
	cmd := osexec.Command("unshare", "--map-auto", "--map-root-user", "rm", "-rf", r.state)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Logf("removing the state folder: %v\n%s", err, out)
	}
}
