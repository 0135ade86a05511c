// SPDX-License-Identifier: Apache-2.0

//go:build system

package supervisor_test

import (
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// threeStages is the build of examples/threestage. It has 12 commands.
func (r *rig) threeStages() {
	base := r.busybox()
	ctx := r.context(map[string]string{"count.sh": "#!/bin/sh\nwc -l $1\n", "a.txt": "a\nb\n", "b.txt": "c\n"})
	cmd := func(dir, line string) *irv1.ResolvedStep {
		e := sh(line)
		e.Workdir = dir
		return exec(e)
	}
	tools := r.stage(base,
		workdir("/tools", ""), cmd("/tools", "mkdir -p bin lib"), copyTo(ctx, "/tools/bin/count", "count.sh"),
		cmd("/tools", "chmod 755 bin/count"), cmd("/tools", "echo 'separator=:' > lib/settings"), cmd("/tools", "bin/count lib/settings > lib/size"))
	built := r.stage(tools,
		workdir("/build", ""), copyTo(ctx, "/build/", "a.txt", "b.txt"),
		cmd("/build", "cat a.txt b.txt > all.txt"), cmd("/build", "sort all.txt > sorted.txt"), cmd("/build", "tr a-z A-Z < sorted.txt > upper.txt"),
		cmd("/build", "echo dev > version"), cmd("/build", "/tools/bin/count all.txt > count"), cmd("/build", "mkdir out && cp upper.txt version count out/"))
	r.stage(base,
		cmd("/", "mkdir -p /srv/app"), workdir("/srv/app", ""), copyTo(tools, "/usr/local/bin/count", "tools/bin/count"),
		copyTo(built, "/srv/app/", "build/out"), cmd("/srv/app", "echo ready > status"))
}

// tenCommands is a build of commands that each make one file.
func (r *rig) tenCommands() {
	var steps []*irv1.ResolvedStep
	for range 10 {
		steps = append(steps, exec(sh("echo >>/file")))
	}
	r.stage(r.busybox(), steps...)
}

func BenchmarkCold(b *testing.B)        { benchmark(b, (*rig).threeStages, true) }
func BenchmarkAgain(b *testing.B)       { benchmark(b, (*rig).threeStages, false) }
func BenchmarkTenCommands(b *testing.B) { benchmark(b, (*rig).tenCommands, true) }

func benchmark(b *testing.B, plan func(*rig), noCache bool) {
	r := newRig(b)
	plan(r)
	if o := r.build(); o.err != nil {
		b.Fatal(o.err)
	}
	r.noCache = noCache
	for b.Loop() {
		if o := r.build(); o.err != nil {
			b.Fatal(o.err)
		}
	}
}
