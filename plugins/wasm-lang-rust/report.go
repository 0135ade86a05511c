// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
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

// outcome explains a run of cargo that ended badly.
func (r *report) outcome(err error) error {
	var exit *toolchain.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if len(r.errors) > 0 {
		return r.step.Failed(exit, r.compileErrors())
	}
	return r.step.Failed(exit, r.cargoError())
}

// compileErrors is the failure of code that does not compile.
func (r *report) compileErrors() *backend.Failure {
	place.Sort(r.errors) // crates are compiled side by side
	f := backend.Sourcef(nil, "%d errors", len(r.errors))
	f.Findings = r.errors
	if d := r.errors[0].GetDiagnostic(); len(r.errors) == 1 {
		f.Message = d.GetMessage()
		if r.errors[0].GetFile() == "" {
			f.Findings, f.Help = nil, d.GetHelp()
		}
	}
	return f
}

// cargoError is the failure of what cargo itself complains about.
func (r *report) cargoError() *backend.Failure {
	c := complaint(r.said)
	f := backend.Sourcef(nil, "%s", c.sentence())
	for _, k := range causes {
		if strings.Contains(strings.Join(r.said, "\n"), k.says) {
			f.Kind, f.Help = k.kind, k.help
			break
		}
	}
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

// sentence is the error and its causes. Of a build script it is the panic.
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
	if len(parts) == 0 {
		return "it failed without saying why"
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

// cause is something that the user can do about a failure.
type cause struct {
	says string
	kind backendv1.FailureKind
	help string
}

const (
	ofSource    = backendv1.FailureKind_FAILURE_KIND_SOURCE
	ofMachine   = backendv1.FailureKind_FAILURE_KIND_MACHINE
	helpNetwork = "check the network and the proxy variables, or vendor the dependencies: cargo vendor"
	helpOffline = "allow cargo the network (CARGO_NET_OFFLINE), or vendor the dependencies: cargo vendor"
)

// causes are looked for in what cargo said; the first match wins.
var causes = []cause{
	{"cannot update the lock file", ofSource, "run 'cargo update --workspace' in the project; a build never changes it"},
	{"lock file needs to be updated", ofSource, "run 'cargo update --workspace' in the project; a build never changes it"},
	{"failed to find a workspace root", ofSource, "build the folder of the workspace, and choose the package with package"},
	{"requires the features: ", ofSource, "add them to features in the build file"},
	{"no matching package named ", ofSource, "see that its name is right; without a network, vendor the dependencies: cargo vendor"},
	{"No space left on device", ofMachine, "free some disk space"},
	{"linker `cc` not found", ofMachine, "install a C compiler: build scripts and macros run on this machine"},
	{"Could not resolve host", ofMachine, helpNetwork},
	{"failed to download", ofMachine, helpNetwork},
	{"Unable to update registry", ofMachine, helpNetwork},
	{"network failure", ofMachine, helpNetwork},
	{"--offline was specified", ofMachine, helpOffline},
	{"you're using offline mode", ofMachine, helpOffline},
	{"cannot be built because it requires rustc", ofMachine, "run: rustup update; or use an older version of the package"},
	{"is not supported by the following package", ofMachine, "run: rustup update; or use an older version of the package"},
}
