// SPDX-License-Identifier: Apache-2.0

package buildctx

import "syscall"

func times(st *syscall.Stat_t) (modified, changed int64) {
	return st.Mtimespec.Nano(), st.Ctimespec.Nano()
}
