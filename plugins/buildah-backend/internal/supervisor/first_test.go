// SPDX-License-Identifier: Apache-2.0

package supervisor_test

import (
	"os"
	"testing"
)

func (r *rig) wipe() {}

func TestScratch(t *testing.T) {
	r := newRig(t)
	bb, err := os.ReadFile("/bin/busybox")
	must(t, err)
	ctx := r.context(map[string]string{"a.txt": "hello\n"})
	must(t, os.WriteFile(r.contexts[0].Path+"/busybox", bb, 0o755))
	r.stage(scratch,
		copyTo(ctx, "/bin/", "busybox"),
		exec(run("/bin/busybox", "sh", "-c", "echo out; echo err >&2; echo $0 >/made; /bin/busybox env")),
		copyTo(ctx, "/x/", "a.txt"),
	)
	o, files := r.mustBuild()
	t.Log(o.steps, o.stdout.String(), o.stderr.String(), "\n"+files.list())
	o, _ = r.mustBuild()
	t.Log(o.steps)
}
