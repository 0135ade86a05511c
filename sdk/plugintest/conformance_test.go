// SPDX-License-Identifier: Apache-2.0

package plugintest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fake stands for zlayer: it notes its arguments and has one case of each
// outcome.
const fake = `#!/bin/sh
echo "$@" >args
cat <<"END"
{"type":"begin","plugin":"example.com/mine"}
{"type":"case","name":"frontend/good","status":"passed","seconds":0.1}
{"type":"case","name":"frontend/bad","status":"failed","input":"all\n","command":"zlayer conformance dist --run frontend/bad --vectors 'my vectors'","problems":[{"class":"ok","message":"it is wrong","input":"from\n","want":"x","got":"y\nz"}]}
{"type":"case","name":"frontend/dim","status":"warned","problems":[{"message":"it is slow"}]}
{"type":"case","name":"frontend/later","status":"blocked","why":"blocked by frontend/bad"}
{"type":"end"}
END
exit %d
`

const tested = `package mine

import (
	"testing"

	"github.com/zlayer/zlayer/sdk/plugintest"
)

func TestConformance(t *testing.T) { plugintest.Conformance(t, "dist", "--vectors", "vectors") }
`

// author is the repository of a plugin's author, in which zlayer is a script.
func author(t *testing.T, script string) (dir string) {
	t.Helper()
	sdk, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/mine\n\ngo 1.26.0\n\nrequire github.com/zlayer/zlayer/sdk v0.0.0\n\nreplace github.com/zlayer/zlayer/sdk => "+sdk+"\n", 0o600)
	write("go.sum", string(sums), 0o600)
	write("mine_test.go", tested, 0o600)
	write("dist/zlayer-plugin.json", "{}", 0o600)
	if script != "" {
		write("bin/zlayer", script, 0o700)
	}
	return dir
}

// test runs the tests of the author's repository.
func test(t *testing.T, dir string, flags ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-v", "-mod=mod"}, flags...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "ZLAYER=")
	if zlayer := filepath.Join(dir, "bin", "zlayer"); exists(zlayer) {
		cmd.Env = append(cmd.Env, "ZLAYER="+zlayer)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func wants(t *testing.T, output string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(output, part) {
			t.Errorf("there is no %q in\n%s", part, output)
		}
	}
}

func TestConformanceCasesAreSubtests(t *testing.T) {
	dir := author(t, fmt.Sprintf(fake, 1))
	out, err := test(t, dir)
	if err == nil {
		t.Error("the test passed")
	}
	wants(t, out,
		"--- PASS: TestConformance/frontend/good", "--- FAIL: TestConformance/frontend/bad", "--- PASS: TestConformance/frontend/dim",
		"--- SKIP: TestConformance/frontend/later", "blocked by frontend/bad", "warned", "it is slow",
		"ok: it is wrong", "want:\n", "  x\n", "  z\n", "alone: zlayer conformance dist --run frontend/bad --vectors 'my vectors'", "input:\n",
	)
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if want := "conformance dist --format events --vectors vectors\n"; err != nil || string(args) != want {
		t.Errorf("zlayer was called with %s, %v", args, err)
	}
}

func TestConformanceRunsWhatIsAskedFor(t *testing.T) {
	dir := author(t, fmt.Sprintf(fake, 0))
	for run, want := range map[string]string{
		"TestConformance/frontend/go.*":  " --run *frontend*/*go*\n",
		"TestConformance/^frontend$/^ba": " --run frontend/ba*\n",
		"TestConformance/frontend":       " --run *frontend*/*\n",
		"TestConformance/front[e]nd/x":   "",
		"TestConformance":                "",
	} {
		out, err := test(t, dir, "-run", run)
		args, _ := os.ReadFile(filepath.Join(dir, "args"))
		if want == "" && strings.Contains(string(args), "--run") || !strings.HasSuffix(string(args), want) {
			t.Errorf("%s: zlayer was called with %s\n%v\n%s", run, args, err, out)
		}
	}
	if out, err := test(t, dir, "-run", "TestConformance/frontend/good"); err != nil {
		t.Errorf("a case that passes, alone: %v\n%s", err, out)
	}
}

func TestConformanceSaysWhatIsMissing(t *testing.T) {
	const passes = `#!/bin/sh
echo '{"type":"case","name":"a/b","status":"passed"}'
echo a line is stale >&2
exit 1
`
	for name, tt := range map[string]struct {
		script, gone string
		want         []string
	}{
		"a plugin":       {fmt.Sprintf(fake, 0), "dist/zlayer-plugin.json", []string{"dist holds no plugin", "zlayer plugin seal dist"}},
		"an exit code":   {passes, "", []string{"exit status 1", "a line is stale"}},
		"cases":          {"#!/bin/sh\n", "", []string{"no case was run"}},
		"lines of JSON":  {"#!/bin/sh\necho usage\n", "", []string{"reading what", "usage"}},
		"zlayer on PATH": {"", "", []string{"set ZLAYER to its path"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := author(t, tt.script)
			if tt.gone != "" {
				if err := os.Remove(filepath.Join(dir, tt.gone)); err != nil {
					t.Fatal(err)
				}
			}
			out, err := test(t, dir)
			if err == nil {
				t.Error("the test passed")
			}
			wants(t, out, tt.want...)
		})
	}
}
