// SPDX-License-Identifier: Apache-2.0

package rustfrontend_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// module builds the frontend and returns the path of its module.
func module(t *testing.T) string {
	t.Helper()
	target := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "cargo", "build", "--quiet", "--release", "--target", "wasm32-wasip1", "--target-dir", target)
	tools, err := filepath.Abs("../../../.tools/rust-wasm/bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tools); err == nil {
		t.Setenv("PATH", tools+string(filepath.ListSeparator)+os.Getenv("PATH"))
		cmd.Path, cmd.Err = filepath.Join(tools, "cargo"), nil
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: run make rust-wasm first\n%s", err, out)
	}
	return filepath.Join(target, "wasm32-wasip1", "release", "layerfile.wasm")
}

// plugin is the folder of the frontend, sealed.
func plugin(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{"layerfile.wasm": module(t), manifest.FileName: manifest.FileName} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := host.Seal(dir, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The specification is enough to write a frontend that conforms.
func TestConforms(t *testing.T) {
	_, err := conformance.Run(t.Context(), conformance.Options{
		Plugin: plugin(t), Vectors: []string{"vectors"},
		Suite: suite.Options{Parallel: 2, OnResult: func(r suite.Result) {
			t.Run(r.Name, func(t *testing.T) {
				for _, p := range r.Problems {
					t.Logf("%s: %s\ninput:\n%s\nwant:\n%s\ngot:\n%s", p.Class, p.Message, p.Input, p.Want, p.Got)
				}
				if r.Status != suite.Passed {
					t.Errorf("it is %s: %s", r.Status, r.Why)
				}
			})
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asked asks a frontend that runs. Its answers are as the wire has them.
type asked struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
	id  uint64
}

func ask(t *testing.T, in io.Writer, out io.Reader) *asked {
	return &asked{t: t, in: in, out: bufio.NewReader(out)}
}

func (a *asked) parse(content string) *frontendv1.ParseResponse {
	a.t.Helper()
	a.id++
	frame, err := frontend.AppendParse(nil, a.id, &frontendv1.ParseRequest{Name: "Layerfile", Content: []byte(content), Tokens: true})
	if err != nil {
		a.t.Fatal(err)
	}
	go func() { _, _ = a.in.Write(frame) }()
	answer, err := frontend.ReadFrame(a.out, 64<<20)
	if err != nil {
		a.t.Fatal(err)
	}
	res, err := frontend.DecodeParse(answer, a.id)
	if err != nil {
		a.t.Fatal(err)
	}
	return res
}

// sources are what others are made from.
var sources = []string{
	"", "\n", "# only this\n", "from scratch", "\xef\xbb\xbffrom scratch\r\n\tcopy a b /c/ \r\n",
	"# about\n#  it\nfrom debian:12\nenv GREETING=hello  $world \"x\"\nenv GREETING=\ncopy *.txt it's /\nrun echo $HOME  'a'\nstart /bin/app -v \\n\n",
	"Form debian\nrnu x\nrun\ncopy a\nfrom\nfrom a b\nfrom b\nenv\nenv x\nenv =1\nenv 1x=2\nenv a-b=c\nstart\n",
	"run früh 𝄞 x\nfrom 𝄞𝄞 ü\nenv Ü=1\ncopy 𝄞 ü /x\n", "from a\nrun \xff\nrun b\xc3\n#\xe2\x82\n",
	strings.Repeat("nothing\n", 120),
}

// mutate returns a source with some bytes changed, moved or gone.
func mutate(r *rand.Rand) string {
	s := []byte(sources[r.IntN(len(sources))])
	bits := []string{" ", "\t", "\n", "\r", "#", "=", "$", "\"", "\\", "\xff", "ü", "𝄞", "from ", "\ncopy ", "run", "env A", "start x", "\xef\xbb\xbf"}
	for range 1 + r.IntN(4) {
		at := r.IntN(len(s) + 1)
		end := min(len(s), at+r.IntN(4))
		s = append(s[:at:at], append([]byte(bits[r.IntN(len(bits))]), s[end:]...)...)
	}
	return string(s)
}

// The frontend that "zlayer plugin new" writes in Go has the same language, and
// understands every file as this one does.
func TestSameAsInGo(t *testing.T) {
	e, err := engine.Open(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	rust, err := e.Start(t.Context(), module(t))
	if err != nil {
		t.Fatal(err)
	}
	inRust, inGo := ask(t, rust.Stdin, rust.Stdout), goFrontend(t)
	seeds := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		source := mutate(seeds)
		if i < len(sources) {
			source = sources[i]
		}
		got, want := inRust.parse(source), inGo.parse(source)
		if !got.EqualVT(want) {
			t.Fatalf("%q is in Rust\n%s\nand in Go\n%s", source, text(got), text(want))
		}
		if b := got.GetBuild(); b != nil {
			if err := ir.Validate(b); err != nil {
				t.Fatalf("%q: %v", source, err)
			}
		}
		for _, p := range diag.Check([]*diag.Mapper{diag.NewMapper([]byte(source))}, got.GetDiagnostics()) {
			t.Fatalf("%q: %v", source, p)
		}
	}
}

// goFrontend starts the frontend in Go.
func goFrontend(t *testing.T) *asked {
	t.Helper()
	program := filepath.Join(t.TempDir(), "frontend")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/zlayer/internal/scaffold/templates/go-frontend").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program) // it ends with its stdin
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return ask(t, in, out)
}

// text shows a response.
func text(r *frontendv1.ParseResponse) string {
	var b strings.Builder
	for _, d := range r.GetDiagnostics() {
		b.WriteString(diag.Line("Layerfile", d) + "\n")
	}
	if r.GetBuild() != nil {
		b.WriteString(ir.TextWithRanges(r.GetBuild()))
	}
	data, _ := r.MarshalJSON()
	return b.String() + string(data)
}
