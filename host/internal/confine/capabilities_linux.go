// SPDX-License-Identifier: Apache-2.0

package confine

import "golang.org/x/sys/unix"

// kept are the capabilities that a confined process of root keeps: those over
// files, where the rules hold. Of the others some go around the rules: with
// CAP_PERFMON it would read the environment of every process.
const kept = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID

// dropCapabilities takes the others from the processes that this thread starts.
// Who may not drop them has none to pass on, and no error is known but that.
func dropCapabilities() {
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		if kept&(1<<c) == 0 {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		}
	}
}
