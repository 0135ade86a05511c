// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// maxFindings is how many findings a report keeps.
const maxFindings = 200

// report collects what cargo says while it runs: rustc's messages as JSON, its
// own for people.
type report struct {
	project *project
	step    toolchain.Step
	program program

	executable string // what was made
	errors     []*backendv1.Finding
	warned     map[string]bool
	src        *place.Project
	said       []string // cargo's own lines from its first error on
}

// message reads a line of cargo's standard output.
func (r *report) message(line []byte) {
	var m cargoMessage
	if json.Unmarshal(line, &m) != nil {
		r.step.Show(false)(line)
		return
	}
	switch m.Reason {
	case "compiler-artifact":
		if m.PackageID == r.program.pkg.ID && m.Target.Name == r.program.name && slices.Contains(m.Target.Kind, "bin") && m.Executable != "" {
			r.executable = m.Executable
		}
	case "compiler-message":
		r.step.Show(true)([]byte(r.project.named(m.Message.Rendered)))
		r.add(m.Message)
	}
}

// add keeps an error, and reports a warning once: cargo repeats those of a
// library for each way it is built.
func (r *report) add(m rustMessage) {
	f := m.finding(r.sources())
	if f == nil {
		return
	}
	d := f.GetDiagnostic()
	d.Message = r.project.named(d.Message)
	if d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
		if len(r.errors) < maxFindings {
			r.errors = append(r.errors, f)
		}
		return
	}
	if key := diag.Line(f.GetFile(), d); f.GetFile() != "" && !r.warned[key] {
		if r.warned == nil {
			r.warned = map[string]bool{}
		}
		r.warned[key] = true
		r.step.Job.Warn(r.step.Ref(), f)
	}
}

// sources are the project's files, as the user has them.
func (r *report) sources() *place.Project {
	if r.src == nil {
		r.src = &place.Project{Dir: r.project.source}
	}
	return r.src
}

// named replaces the folder of the copy by that of the project.
func (p *project) named(text string) string { return strings.ReplaceAll(text, p.source, p.dir) }

// line reads a line of cargo's standard error.
func (r *report) line(line []byte) {
	text := r.project.named(string(line))
	r.step.Show(true)([]byte(text))
	text = strings.TrimRight(text, "\r\n")
	if len(r.said) > 0 && len(r.said) < maxFindings || strings.HasPrefix(text, "error: ") || strings.HasPrefix(text, "error[") {
		r.said = append(r.said, text)
	}
}

// outcome explains a run of cargo that ended badly: by what rustc said, else by
// what cargo itself complains about.
func (r *report) outcome(err error) error {
	return r.step.Failed(err, func() *backend.Failure {
		if len(r.errors) > 0 {
			return toolchain.FailureOf("", r.errors)
		}
		return r.cargoError()
	})
}

// cargoError is the failure of what cargo itself complains about.
func (r *report) cargoError() *backend.Failure {
	c := complaint(r.said)
	f := toolchain.FailureOf(c.sentence(), nil)
	causes.Explain(f, strings.Join(r.said, "\n"))
	if finding := c.finding(r.sources(), r.project); finding != nil {
		f.Findings = []*backendv1.Finding{finding}
	}
	return f
}

// complaint is what cargo said, from its first error on.
type complaint []string

var (
	// arrow is how cargo shows where in a Cargo.toml it is.
	arrow = regexp.MustCompile(`^\s*--> (.+):(\d+):(\d+)$`)
	// panicked is how a build script says where it ended.
	panicked = regexp.MustCompile(`panicked at (?:'.*', )?(.+):(\d+):(\d+):?$`)
	// noise are the lines of an error that explain nothing.
	noise = regexp.MustCompile(`^\s*(\d*\s*\|.*|Caused by:|--- std(out|err)|(note|help): .*|As a reminder, .*|cargo::?[a-z].*|-->.*|)$`)
)

// sentence is the error and its causes. Of a build script it is the panic. It is
// empty when cargo said nothing.
func (c complaint) sentence() string {
	var parts []string
	for i, line := range c {
		if panicked.MatchString(line) && i+1 < len(c) {
			parts = append(parts[:min(1, len(parts))], strings.TrimSpace(c[i+1]))
			break
		}
		if i > 0 && strings.HasPrefix(line, "error") {
			break // what follows from the first
		}
		if !noise.MatchString(line) {
			text := strings.TrimSpace(strings.TrimPrefix(line, "error: "))
			parts = append(parts, strings.TrimSuffix(text, ":"))
		}
	}
	return strings.Join(parts, ": ")
}

// finding is the place that the error names in the project; nil for none.
func (c complaint) finding(src *place.Project, p *project) *backendv1.Finding {
	for i, line := range c {
		code, message, at := codeManifest, c.sentence(), arrow.FindStringSubmatch(line)
		if at == nil {
			if at = panicked.FindStringSubmatch(line); at == nil || i+1 >= len(c) {
				continue
			}
			code, message = codeScript, strings.TrimSpace(c[i+1])
		}
		file := src.File(strings.Replace(at[1], p.dir, p.source, 1))
		if file == nil {
			continue
		}
		row, _ := strconv.Atoi(at[2])
		column, _ := strconv.Atoi(at[3])
		return backend.At(file.Name, diag.Error(file.Token(row, column), code, message))
	}
	return nil
}

// warnUnlocked tells that the versions of dependencies are not fixed, where
// there are some that cargo had to choose.
func (r *report) warnUnlocked() {
	text, err := os.ReadFile(filepath.Join(r.project.source, "Cargo.lock"))
	if err != nil || !strings.Contains(string(text), "\nsource = ") {
		return
	}
	d := diag.Warning(nil, codeLock, "there is no Cargo.lock, so each build may take other versions of the dependencies")
	d.Help = "run 'cargo generate-lockfile' in the project and keep the file"
	r.step.Job.Warn(r.step.Ref(), backend.At(manifestName, d))
}

const (
	ofSource    = backendv1.FailureKind_FAILURE_KIND_SOURCE
	ofMachine   = backendv1.FailureKind_FAILURE_KIND_MACHINE
	helpNetwork = "check the network and the proxy variables, or vendor the dependencies: cargo vendor"
	helpOffline = "allow cargo the network (CARGO_NET_OFFLINE), or vendor the dependencies: cargo vendor"
)

// causes are looked for in what cargo said.
var causes = toolchain.Causes{
	{Says: "cannot update the lock file", Kind: ofSource,
		Help: "run 'cargo update --workspace' in the project; a build never changes it"},
	{Says: "lock file needs to be updated", Kind: ofSource,
		Help: "run 'cargo update --workspace' in the project; a build never changes it"},
	{Says: "failed to find a workspace root", Kind: ofSource,
		Help: "build the folder of the workspace, and choose the package with package"},
	{Says: "requires the features: ", Kind: ofSource, Help: "add them to features in the build file"},
	{Says: "no matching package named ", Kind: ofSource,
		Help: "see that its name is right; without a network, vendor the dependencies: cargo vendor"},
	{Says: "No space left on device", Kind: ofMachine, Help: "free some disk space"},
	{Says: "linker `cc` not found", Kind: ofMachine, Help: "install a C compiler: build scripts and macros run on this machine"},
	{Says: "Could not resolve host", Kind: ofMachine, Help: helpNetwork},
	{Says: "failed to download", Kind: ofMachine, Help: helpNetwork},
	{Says: "Unable to update registry", Kind: ofMachine, Help: helpNetwork},
	{Says: "network failure", Kind: ofMachine, Help: helpNetwork},
	{Says: "--offline was specified", Kind: ofMachine, Help: helpOffline},
	{Says: "you're using offline mode", Kind: ofMachine, Help: helpOffline},
	{Says: "cannot be built because it requires rustc", Kind: ofMachine, Help: "run: rustup update; or use an older version of the package"},
	{Says: "is not supported by the following package", Kind: ofMachine, Help: "run: rustup update; or use an older version of the package"},
}
