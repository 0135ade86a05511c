// SPDX-License-Identifier: Apache-2.0

//go:build unix

package wasmrun

import (
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// memory is the linear memory of one instance: address space reserved up to
// its limit, touched only as far as it is used, and given back at the end. The
// Go heap would have to clear it all for a second instance.
type memory struct {
	limit    uint64
	reserved []byte
	// used is how far the guest has grown it, in bytes.
	used atomic.Uint64
	// refused is whether it wanted more than the limit.
	refused atomic.Bool
}

var _ experimental.LinearMemory = (*memory)(nil)

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(_, most uint64) experimental.LinearMemory {
	if most == 0 {
		return m
	}
	reserved, err := unix.Mmap(-1, 0, int(min(most, m.limit)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		m.reserved = reserved
	}
	return m
}

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.reserved)) {
		m.refused.Store(true)
		return nil
	}
	m.used.Store(max(size, m.used.Load()))
	return m.reserved[:size]
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() {
	if m.reserved != nil {
		_ = unix.Munmap(m.reserved)
		m.reserved = nil
	}
}
