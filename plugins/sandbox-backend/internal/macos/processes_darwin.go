// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// zombie is the state of a process that has ended (sys/proc.h, SZOMB).
const zombie = 5

// processes lists the processes of this user.
func processes() ([]process, error) {
	found, err := unix.SysctlKinfoProcSlice("kern.proc.uid", os.Geteuid())
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var list []process
	for _, k := range found {
		p := process{pid: int(k.Proc.P_pid), group: int(k.Eproc.Pgid)}
		if k.Proc.P_stat == zombie || p.pid == os.Getpid() {
			continue
		}
		// It may have ended meanwhile; then there is nothing to know.
		p.session, _ = unix.Getsid(p.pid)
		if data, err := unix.SysctlRaw("kern.procargs2", p.pid); err == nil {
			p.env, _ = parseArgs(data)
		}
		list = append(list, p)
	}
	return list, nil
}
