// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package wasmrun

import (
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// memory is the linear memory of one instance, on the Go heap.
type memory struct {
	limit uint64
	held  []byte
	// used is how far the guest has grown it, in bytes.
	used atomic.Uint64
	// refused is whether it wanted more than the limit.
	refused atomic.Bool
}

var _ experimental.LinearMemory = (*memory)(nil)

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(capacity, _ uint64) experimental.LinearMemory {
	m.held = make([]byte, 0, min(capacity, 16<<20))
	return m
}

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused.Store(true)
		return nil
	}
	m.used.Store(max(size, m.used.Load()))
	if size > uint64(cap(m.held)) {
		grown := make([]byte, size, size+size/2)
		copy(grown, m.held)
		m.held = grown
	}
	m.held = m.held[:size]
	return m.held
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() { m.held = nil }
