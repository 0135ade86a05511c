// SPDX-License-Identifier: Apache-2.0

package wasm

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/toolchain/module"
)

// expected compares how a build has ended with how it should have.
func (r *trial) expected(got *result) bool {
	class, place := "ok", ""
	if f := r.Fails; f != nil {
		class, place = f.Class, f.File
		for _, n := range []int{f.Line, f.Column} {
			if n > 0 {
				place += ":" + strconv.Itoa(n)
			}
		}
	}
	switch {
	case got.class == "unsupported" && class != "unsupported" && r.target.Declares("wasm."+r.Language):
		r.CannotRun("%s", got.message)
	case got.class != class:
		r.Fail(suite.Problem{Class: got.class, Message: "the build ended as " + got.class + ", not " + class, Want: r.Expect, Got: got.text()})
	case !begins(got.place, place):
		r.Fail(suite.Problem{Class: got.class, Message: "the first finding is at another place", Want: place, Got: got.text()})
	case class == "unsupported":
		if got.message == "" || got.help == "" {
			r.Failf(got.class, "the subtraction does not say why, or what to do")
		}
	case class == "ok":
		r.module(got)
		r.reads(got)
	case got.message == "":
		r.Failf(got.class, "the failure has no message")
	}
	return !r.Failed()
}

// begins reports whether a place is the wanted one, or inside it.
func begins(place, want string) bool {
	return want == "" || place == want || strings.HasPrefix(place, want+":")
}

// text is a result for people.
func (o *result) text() string {
	lines := []string{o.class + ": " + o.message}
	for _, more := range []string{o.place, o.help, o.output.String()} {
		if more != "" {
			lines = append(lines, more)
		}
	}
	return strings.Join(lines, "\n")
}

// wrong is the class of a result that is not what it should be. A backend is
// never given what it does not declare, so there it is none that counts.
func (r *trial) wrong() string {
	if r.lacks {
		return "unsupported"
	}
	return "ok"
}

// module looks at the bytes of the module.
func (r *trial) module(got *result) {
	data, err := os.ReadFile(got.path)
	if err != nil {
		r.Fatalf("ok", "[B12] the module is not where Export has to put it: %v", err)
	}
	sum := sha256.Sum256(data)
	if digest := "sha256:" + hex.EncodeToString(sum[:]); digest != got.blobs[0].GetDigest() {
		r.Fail(suite.Problem{Class: "ok", Message: "[B12] the module has another digest than the artifact says", Want: got.blobs[0].GetDigest(), Got: digest})
	}
	if size := got.blobs[0].GetSize(); size != int64(len(data)) {
		r.Failf("ok", "[B11] the artifact says that the module has %d bytes, it has %d", size, len(data))
	}
	m, err := module.Open(got.path)
	if err != nil {
		r.Fatalf(r.wrong(), "[W1] the result is no module: %v", err)
	}
	for _, name := range []string{"_start", "memory"} {
		if !slices.Contains(m.Exports, name) {
			r.Failf(r.wrong(), "[W1] the module does not export %s", name)
		}
	}
	foreign := m.Foreign()
	if !slices.Equal(foreign, r.Imports) {
		r.Fail(suite.Problem{
			Class: r.wrong(), Message: "[W1] the module imports from other modules",
			Want: strings.Join(r.Imports, " "), Got: strings.Join(foreign, " "),
		})
	}
	if len(foreign) > 0 && len(got.warnings) == 0 {
		r.Failf(r.wrong(), "[W1] no warning says that the module imports from %s", strings.Join(foreign, ", "))
	}
}

// reads looks at what the build says that it has read.
func (r *trial) reads(got *result) {
	named := false
	for name, value := range got.tools {
		if read, ok := got.inputs["tool "+name]; ok {
			named = true
			if read != value {
				r.Fail(suite.Problem{Class: r.wrong(), Message: "[W8] the build has used another " + name + " than Describe names", Want: value, Got: read})
			}
		}
	}
	for input := range got.inputs {
		named = named || strings.HasPrefix(input, "tool ")
	}
	if !named {
		r.Failf(r.wrong(), "[W8] no input_read of kind tool names the toolchain")
	}
}

// same compares the module of a further build with the first.
func (r *trial) same(how string, first, again *result) {
	if again.class != "ok" {
		r.Fail(suite.Problem{Class: again.class, Message: "the build that is done again (" + how + ") ended as " + again.class, Got: again.text()})
		return
	}
	if want, got := first.blobs[0].GetDigest(), again.blobs[0].GetDigest(); want != got {
		r.Fail(suite.Problem{Class: r.wrong(), Message: "[W7] the build that is done again (" + how + ") gives another module", Want: want, Got: got})
	}
}
