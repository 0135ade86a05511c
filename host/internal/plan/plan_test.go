// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host/internal/plan"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

var (
	amd64 = &irv1.Platform{Os: "linux", Architecture: "amd64"}
	arm64 = &irv1.Platform{Os: "linux", Architecture: "arm64"}
	armv7 = &irv1.Platform{Os: "linux", Architecture: "arm", Variant: "v7"}
)

// at is the range of a step on a line.
func at(line uint32) *diagv1.Range {
	return &diagv1.Range{Line: line, Column: 1, ColumnUtf16: 1, EndLine: line, EndColumn: 9, EndColumnUtf16: 9}
}

// image is a build of one stage, FROM on line 1 and a step on each line after.
func image(p *irv1.Platform, steps ...*irv1.ResolvedStep) *irv1.ResolvedBuild {
	for i, s := range steps {
		s.Range = at(uint32(i) + 2)
	}
	stage := &irv1.ResolvedStage{
		Base: &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}, Platform: p, Steps: steps, Range: at(1), Text: "FROM scratch",
	}
	c := &irv1.ResolvedContainer{Stages: []*irv1.ResolvedStage{stage}}
	return &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Container{Container: c}}
}

func run(mounts ...irv1.MountKind) *irv1.ResolvedStep {
	x := &irv1.Exec{Argv: []string{"/bin/true"}}
	for _, kind := range mounts {
		x.Mounts = append(x.Mounts, &irv1.ResolvedMount{Kind: kind})
	}
	return &irv1.ResolvedStep{Text: "RUN true", Op: &irv1.ResolvedStep_Exec{Exec: x}}
}

func copyParents() *irv1.ResolvedStep {
	x := &irv1.Transfer{From: &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT}, Parents: true}
	return &irv1.ResolvedStep{Text: "COPY --parents a/b /\nmore", Op: &irv1.ResolvedStep_Transfer{Transfer: x}}
}

func wasm(language, target string) *irv1.ResolvedBuild {
	w := &irv1.ResolvedWasm{Language: language, Target: target, Range: at(3)}
	return &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: w}}
}

// backend is a candidate: features apart by spaces, then platforms.
func backend(id, features string, platforms ...string) plan.Candidate {
	return plan.Candidate{ID: id, Capabilities: manifest.Capabilities{Features: strings.Fields(features), Platforms: platforms}}
}

// says adds a description.
func says(c plan.Candidate, d *backendv1.DescribeResponse) plan.Candidate {
	c.Description = d
	return c
}

func runs(p *irv1.Platform, mode backendv1.RunMode) *backendv1.DescribeResponse {
	return &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{Platform: p, Run: mode}}}
}

const (
	native   = backendv1.RunMode_RUN_MODE_NATIVE
	emulated = backendv1.RunMode_RUN_MODE_EMULATED
	none     = backendv1.RunMode_RUN_MODE_NONE
)

var (
	big    = backend("big", "exec exec.mount.cache exec.mount.ssh copy copy.parents make-dir", "linux/*")
	other  = backend("other", "exec exec.mount.cache copy copy.parents", "linux/*")
	small  = backend("small", "exec copy", "linux/amd64")
	golang = backend("wasm-lang-go", "wasm.go wasm.preview1")
)

func TestChoice(t *testing.T) {
	ssh, cache := irv1.MountKind_MOUNT_KIND_SSH, irv1.MountKind_MOUNT_KIND_CACHE
	noSSH := &backendv1.DescribeResponse{
		Platforms:  runs(amd64, native).Platforms,
		Subtracted: []*backendv1.Subtraction{{Feature: "exec.mount.ssh", Reason: "no-agent", Message: "there is no ssh"}},
	}
	thirdParty := image(amd64, run())
	thirdParty.Features = []string{"exec", "vendor.example/gpu"}
	for _, test := range []struct {
		name       string
		build      *irv1.ResolvedBuild
		only       string
		candidates []plan.Candidate
		want       string // backend
		ask        bool
	}{
		{"the first that fits", image(amd64, run()), "", []plan.Candidate{golang, small, big}, "small", true},
		{"the order decides", image(amd64, run()), "", []plan.Candidate{big, small}, "big", true},
		{"a feature decides", image(amd64, run(cache)), "", []plan.Candidate{small, big}, "big", true},
		{"the platform decides", image(arm64, run()), "", []plan.Candidate{small, big}, "big", true},
		{"wasm", wasm("go", "preview1"), "", []plan.Candidate{small, big, golang}, "wasm-lang-go", true},
		{"the user's choice", image(amd64, run()), "big", []plan.Candidate{small, big}, "big", true},
		{"the user's choice does not fit", image(amd64, run(cache)), "small", []plan.Candidate{small, big}, "", false},
		{"the user's choice is unknown", image(amd64, run()), "huge", []plan.Candidate{small, big}, "", false},
		{"a build without steps needs a platform", image(amd64), "", []plan.Candidate{golang, small}, "small", true},
		{"asked already", image(amd64, run()), "", []plan.Candidate{says(small, runs(amd64, native))}, "small", false},
		{"what is missing here", image(amd64, run(ssh)), "", []plan.Candidate{says(big, noSSH)}, "", false},
		{"what is missing here is not needed", image(amd64, run()), "", []plan.Candidate{says(big, noSSH)}, "big", false},
		{"a description adds nothing", image(arm64, run()), "", []plan.Candidate{says(small, runs(arm64, native))}, "", false},
		{"commands do not run here", image(arm64, run()), "", []plan.Candidate{says(big, runs(amd64, native))}, "", false},
		{"nor where it says none", image(arm64, run()), "", []plan.Candidate{says(big, runs(arm64, none))}, "", false},
		{"without commands it can be assembled", image(arm64), "", []plan.Candidate{says(big, runs(amd64, native))}, "big", false},
		{"in emulation", image(arm64, run()), "", []plan.Candidate{says(big, runs(arm64, emulated))}, "big", false},
		{"a variant left out is any", image(armv7, run()), "", []plan.Candidate{says(backend("arm", "exec", "linux/arm"),
			runs(&irv1.Platform{Os: "linux", Architecture: "arm"}, native))}, "arm", false},
		{"another variant", image(armv7, run()), "", []plan.Candidate{says(backend("arm", "exec", "linux/arm"),
			runs(&irv1.Platform{Os: "linux", Architecture: "arm", Variant: "v6"}, native))}, "", false},
		{"a third party's feature", thirdParty, "", []plan.Candidate{small}, "", false},
		{"a third party's backend", thirdParty, "", []plan.Candidate{small, backend("vendor.example/b", "exec vendor.example/gpu", "*")}, "vendor.example/b", true},
		{"nothing installed", image(amd64), "", nil, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := plan.Make(plan.Request{Build: test.build, Candidates: test.candidates, Backend: test.only})
			if p.Backend != test.want || (p.Backend != "" && (p.Ask != "") != test.ask) || (p.Backend != "" && p.Ask != "" && p.Ask != p.Backend) {
				t.Errorf("backend %q, ask %q; want %q, %v\n%s", p.Backend, p.Ask, test.want, test.ask, p.Text())
			}
			if got := p.Diagnostics(); (len(got) == 0) != (p.Backend != "") {
				t.Errorf("%d diagnostics for backend %q", len(got), p.Backend)
			}
			if len(p.Verdicts) != len(test.candidates) {
				t.Errorf("%d verdicts on %d candidates", len(p.Verdicts), len(test.candidates))
			}
		})
	}
}

func TestDiagnostics(t *testing.T) {
	ssh, cache, secret := irv1.MountKind_MOUNT_KIND_SSH, irv1.MountKind_MOUNT_KIND_CACHE, irv1.MountKind_MOUNT_KIND_SECRET
	noUserNS := runs(amd64, native)
	noUserNS.Subtracted = []*backendv1.Subtraction{{
		Feature: "exec", Reason: "no-user-namespace", Message: "user namespaces are switched off", Alternative: "run as root",
	}}
	thirdParty := image(amd64, run())
	thirdParty.Features = []string{"vendor.example/gpu"}
	for _, test := range []struct {
		name       string
		build      *irv1.ResolvedBuild
		only       string
		candidates []plan.Candidate
		want       string
	}{{
		name: "one backend lacks two features, one of them needed three times", build: image(amd64, run(cache), run(cache), copyParents(), run(cache)),
		candidates: []plan.Candidate{small},
		want: `
Dockerfile:2:1-2:9 error unsupported-feature small does not support RUN --mount=type=cache
  leave out the cache mount; the command then starts without it each time
  also needed here 3:1-3:9
  also needed here 5:1-5:9
Dockerfile:4:1-4:9 error unsupported-feature small does not support COPY --parents
  name each target folder in a COPY of its own
`}, {
		name: "nobody has it", build: image(amd64, run(secret)), candidates: []plan.Candidate{small, big},
		want: `
Dockerfile:2:1-2:9 error unsupported-feature no installed backend supports RUN --mount=type=secret
  install a backend that has it, or leave it out (then small can build this)
`}, {
		name: "no single one has everything", build: image(amd64, run(ssh), run(secret)),
		candidates: []plan.Candidate{small, backend("other", "exec exec.mount.secret", "*")},
		want: `
Dockerfile:2:1-2:9 error unsupported-feature no installed backend supports RUN --mount=type=ssh
  install a backend that has it, or leave it out (then other can build this)
Dockerfile:3:1-3:9 info unsupported-feature small does not support RUN --mount=type=secret
  other has it, but lacks other things that this build needs
`}, {
		name: "the closest is explained", build: image(amd64, run(ssh), run(secret), run(cache)),
		candidates: []plan.Candidate{small, big, backend("other", "exec exec.mount.secret", "*")},
		want: `
Dockerfile:2:1-2:9 info unsupported-feature other does not support RUN --mount=type=ssh
  big has it, but lacks other things that this build needs
Dockerfile:3:1-3:9 error unsupported-feature big does not support RUN --mount=type=secret
  leave it out (then big can build this); other has it, but lacks other things that this build needs
Dockerfile:4:1-4:9 info unsupported-feature other does not support RUN --mount=type=cache
  leave out the cache mount; the command then starts without it each time
`}, {
		name: "the user's choice, though another would fit", build: image(amd64, run(cache)), only: "small", candidates: []plan.Candidate{small, big},
		want: `
Dockerfile:2:1-2:9 error unsupported-feature small does not support RUN --mount=type=cache
  big can build this: choose it instead of small
`}, {
		name: "an unknown choice", build: image(amd64), only: "huge", candidates: []plan.Candidate{small, big},
		want: `
Dockerfile error unknown-backend no backend is called "huge"
  installed are: small, big
`}, {
		name: "nothing installed", build: image(amd64),
		want: `
Dockerfile error no-backend no backend is installed
  install one; 'zlayer plugin list' shows what there is
`}, {
		name: "not on this machine", build: image(amd64, run()), candidates: []plan.Candidate{says(small, noUserNS)},
		want: `
Dockerfile:2:1-2:9 error unsupported-here small cannot do RUN here: user namespaces are switched off
  run as root
`}, {
		name: "a platform", build: image(arm64), candidates: []plan.Candidate{small},
		want: `
Dockerfile:1:1-1:9 error unsupported-platform small does not support platform linux/arm64
  install a backend that has it, or leave it out
`}, {
		name: "commands of a platform", build: image(arm64, run()), candidates: []plan.Candidate{says(big, runs(amd64, native))},
		want: `
Dockerfile:2:1-2:9 error unsupported-platform big does not support running commands of platform linux/arm64 on this machine
  build for linux/amd64, or install an emulator (binfmt_misc with qemu-user-static)
`}, {
		name: "commands of another system", build: image(&irv1.Platform{Os: "darwin", Architecture: "arm64"}, run()),
		candidates: []plan.Candidate{says(backend("any", "exec", "*"), runs(amd64, native))},
		want: `
Dockerfile:2:1-2:9 error unsupported-platform any does not support running commands of platform darwin/arm64 on this machine
  build on a machine with darwin, or COPY files that are built elsewhere
`}, {
		name: "a language", build: wasm("rust", "preview1"), candidates: []plan.Candidate{small, golang},
		want: `
Dockerfile:3:1-3:9 error unsupported-feature no installed backend supports a WebAssembly module from Rust
  install a backend that has it, or leave it out
`}, {
		name: "a third party's feature has no place", build: thirdParty, candidates: []plan.Candidate{small},
		want: `
Dockerfile error unsupported-feature small does not support the feature "vendor.example/gpu"
  install a backend that has it; vendor.example defines it
`}} {
		t.Run(test.name, func(t *testing.T) {
			p := plan.Make(plan.Request{Build: test.build, Candidates: test.candidates, Backend: test.only})
			if d := cmp.Diff(strings.TrimPrefix(test.want, "\n"), lines(p.Diagnostics())); d != "" {
				t.Error(d)
			}
		})
	}
}

// lines prints diagnostics with their help and related places.
func lines(list []*diagv1.Diagnostic) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(diag.Line("Dockerfile", d) + "\n")
		if d.GetHelp() != "" {
			b.WriteString("  " + d.GetHelp() + "\n")
		}
		for _, r := range d.GetRelated() {
			b.WriteString("  " + r.GetMessage() + " " + diag.Span(r.GetRange()) + "\n")
		}
	}
	return b.String()
}

func TestText(t *testing.T) {
	trial := runs(arm64, native)
	trial.Subtracted = []*backendv1.Subtraction{{Feature: "exec", Reason: "experimental", Message: "nobody has run it here"}}
	build := image(arm64, run(), copyParents())
	for _, test := range []struct {
		name    string
		request plan.Request
		want    string
	}{{"chosen by itself", plan.Request{Candidates: []plan.Candidate{small, says(big, runs(arm64, emulated))}}, `
big builds this: it is the first that fits
small lacks 2 things
  copy.parents (not-supported) at 3:1: COPY --parents a/b /
    instead: name each target folder in a COPY of its own
  platform linux/arm64 (not-supported) at 1:1: FROM scratch
big fits; linux/arm64 in emulation
`}, {"two fit", plan.Request{Candidates: []plan.Candidate{says(big, runs(arm64, emulated)), says(other, runs(arm64, native))}}, `
big builds this: it is the first that fits
big fits; linux/arm64 in emulation
other fits too, but comes after big; linux/arm64 natively
`}, {"preferred", plan.Request{Candidates: []plan.Candidate{big, says(other, runs(arm64, native))}, Prefer: []string{"absent", "other"}}, `
other builds this: it is the first that fits of those preferred
other fits; linux/arm64 natively
big fits too, but comes after other
absent is preferred, but not installed
`}, {"the preferred does not fit", plan.Request{Candidates: []plan.Candidate{says(big, runs(arm64, native)), small}, Prefer: []string{"small"}}, `
big builds this: none of those preferred fits, and it is the first of the others that does
small lacks 2 things
  copy.parents (not-supported) at 3:1: COPY --parents a/b /
    instead: name each target folder in a COPY of its own
  platform linux/arm64 (not-supported) at 1:1: FROM scratch
big fits; linux/arm64 natively
`}, {"asked for", plan.Request{Candidates: []plan.Candidate{big, says(other, runs(arm64, native))}, Backend: "other"}, `
other builds this: it was asked for
big fits too, but was not asked for
other fits; linux/arm64 natively
`}, {"asked for and unfit", plan.Request{Candidates: []plan.Candidate{says(big, runs(arm64, native)), says(other, runs(amd64, native))}, Backend: "other"}, `
no backend fits: only other was asked for
big fits too, but was not asked for; linux/arm64 natively
other lacks 1 thing
  platform linux/arm64 (cannot-run) at 2:1: RUN true
    instead: build for linux/amd64, or install an emulator (binfmt_misc with qemu-user-static)
`}, {"what cannot be used", plan.Request{Candidates: []plan.Candidate{{ID: "gone", Problem: "its file is missing"}, says(big, runs(arm64, native))}, Prefer: []string{"gone"}}, `
big builds this: none of those preferred fits, and it is the first of the others that does
gone cannot be used: its file is missing
big fits; linux/arm64 natively
`}, {"experimental", plan.Request{Candidates: []plan.Candidate{says(big, trial)}}, `
no backend fits
big lacks 1 thing; linux/arm64 natively
  exec (experimental) at 2:1: RUN true
    nobody has run it here
`}, {"experimental and allowed", plan.Request{Candidates: []plan.Candidate{says(big, trial)}, Experimental: true}, `
big builds this: it is the first that fits
big fits; linux/arm64 natively; experimental: exec
`}} {
		t.Run(test.name, func(t *testing.T) {
			test.request.Build = build
			if d := cmp.Diff(strings.TrimPrefix(test.want, "\n"), plan.Make(test.request).Text()); d != "" {
				t.Error(d)
			}
		})
	}
}

// Who is asked about this machine, until nobody is left: every one more is a
// process that is started.
func TestAsk(t *testing.T) {
	cache := irv1.MountKind_MOUNT_KIND_CACHE
	for _, test := range []struct {
		name    string
		request plan.Request
		want    string
	}{
		{"only who is chosen", plan.Request{Build: image(amd64, run()), Candidates: []plan.Candidate{golang, small, big}}, "small"},
		{"the next when that one does not fit here", plan.Request{Build: image(amd64, run()), Candidates: []plan.Candidate{says(small, runs(arm64, native)), big, other}}, "big"},
		{"all that come near for an explanation", plan.Request{Build: image(amd64, run(cache)), Candidates: []plan.Candidate{golang, small, big, other}, Explain: true}, "small big other"},
		{"all that come near when none fits", plan.Request{Build: image(arm64, run(cache)), Candidates: []plan.Candidate{golang, backend("a", "exec", "linux/*"), backend("b", "copy", "linux/*")}}, "a b"},
		{"who was asked for, and who would do instead", plan.Request{Build: image(amd64, run(cache)), Candidates: []plan.Candidate{golang, small, big}, Backend: "small"}, "small big"},
		{"nobody who cannot be used", plan.Request{Build: image(amd64, run()), Candidates: []plan.Candidate{{ID: "gone", Problem: "gone"}}, Explain: true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			for range 10 {
				p := plan.Make(test.request)
				if p.Ask == "" {
					break
				}
				asked = append(asked, p.Ask)
				for i, c := range test.request.Candidates {
					if c.ID == p.Ask {
						test.request.Candidates[i] = says(c, runs(amd64, native))
					}
				}
			}
			if got := strings.Join(asked, " "); got != test.want {
				t.Errorf("asked %q, want %q", got, test.want)
			}
		})
	}
}

// Two backends that could nearly build it: each with what it lacks and where,
// and what is then enough.
func TestNearly(t *testing.T) {
	ssh, cache := irv1.MountKind_MOUNT_KIND_SSH, irv1.MountKind_MOUNT_KIND_CACHE
	trial := runs(amd64, native)
	trial.Subtracted = []*backendv1.Subtraction{
		{Feature: "exec", Reason: "experimental", Message: "nobody has run it here"},
		{Feature: "exec.mount.cache", Reason: "no-mounts", Message: "there are no mounts"},
	}
	for _, test := range []struct {
		name       string
		build      *irv1.ResolvedBuild
		candidates []plan.Candidate
		want       string
	}{{"each lacks something else", image(amd64, run(cache), copyParents()),
		[]plan.Candidate{backend("a", "exec copy copy.parents", "*"), backend("b", "exec exec.mount.cache copy", "*"), golang}, `
Dockerfile:2:1-2:9 error unsupported-feature a does not support RUN --mount=type=cache
  leave out the cache mount; the command then starts without it each time (then a can build this)
Dockerfile:3:1-3:9 info unsupported-feature b does not support COPY --parents
  name each target folder in a COPY of its own (then b can build this)
`}, {"what only has to be allowed is closest", image(amd64, run(ssh)),
		[]plan.Candidate{small, says(big, trial)}, `
Dockerfile:2:1-2:9 error experimental RUN is experimental in big on this machine: nobody has run it here
  allow it with --experimental, with ZLAYER_EXPERIMENTAL=true, or with "experimental: true" in your own config.yaml
Dockerfile:2:1-2:9 info unsupported-feature small does not support RUN --mount=type=ssh
  leave it out (then small can build this); big has it, but lacks other things that this build needs
`}, {"allowing would not help", image(amd64, run(cache)), []plan.Candidate{says(big, trial)}, `
Dockerfile:2:1-2:9 error unsupported-here big cannot do RUN --mount=type=cache here: there are no mounts
  leave out the cache mount; the command then starts without it each time
`}, {"nothing can be used", image(amd64, run()), []plan.Candidate{{ID: "gone", Problem: "its file is missing"}}, `
Dockerfile error no-backend no installed backend can be used
  install one; 'zlayer plugin list' shows what there is
`}} {
		t.Run(test.name, func(t *testing.T) {
			p := plan.Make(plan.Request{Build: test.build, Candidates: test.candidates})
			if d := cmp.Diff(strings.TrimPrefix(test.want, "\n"), lines(p.Diagnostics())); d != "" {
				t.Error(d)
			}
		})
	}
}
