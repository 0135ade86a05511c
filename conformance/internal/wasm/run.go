// SPDX-License-Identifier: Apache-2.0

package wasm

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// runLimit is how long a module may run.
const runLimit = time.Minute

// ran is what a module did.
type ran struct {
	stdout, stderr string
	code           int
	err            error
}

// runs runs a module and compares what it does with what it should.
func (r *trial) runs(ctx context.Context, module string, want *vectors.WasmRun) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	got := r.execute(ctx, module, want)
	p := suite.Problem{Class: r.wrong(), Input: fmt.Sprintf("arguments %q, stdin %q", want.Args, want.Stdin), Got: got.stdout + got.stderr}
	if got.err != nil {
		p.Got += got.err.Error()
	}
	if got.code != want.Exit {
		p.Message = "[W2] the module ended with " + exit(got.code) + ", not " + exit(want.Exit)
		r.Fail(p)
	}
	if got.stdout != want.Stdout {
		p.Message, p.Want, p.Got = "[W2] the module wrote something else on stdout", want.Stdout, got.stdout
		r.Fail(p)
	}
	for _, piece := range want.Stderr {
		if !strings.Contains(got.stderr, piece) {
			p.Message, p.Want, p.Got = "[W2] the module did not write on stderr what it should", piece, got.stderr
			r.Fail(p)
		}
	}
}

// execute runs a module to its end.
func (r *trial) execute(ctx context.Context, module string, w *vectors.WasmRun) ran {
	i, err := r.engine.Start(ctx, module, append([]string{"module"}, w.Args...)...)
	if err != nil {
		return ran{code: vectors.ExitTrap, err: err}
	}
	go func() {
		_, _ = io.WriteString(i.Stdin, w.Stdin) // it need not read
		_ = i.Stdin.Close()
	}()
	var out ran
	data, readErr := io.ReadAll(i.Stdout)
	out.code, out.err = i.Wait()
	if out.err == nil {
		out.err = readErr
	}
	out.stdout, out.stderr = string(data), i.Stderr()
	return out
}

// exit names an exit code.
func exit(code int) string {
	if code == vectors.ExitTrap {
		return "a trap"
	}
	return "exit code " + strconv.Itoa(code)
}
