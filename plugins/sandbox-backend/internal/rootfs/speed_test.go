// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// manyFiles is a layer of small files in folders of a hundred.
func manyFiles(n int) []layer.Entry {
	var out []layer.Entry
	for i := range n {
		if i%100 == 0 {
			out = append(out, dir(fmt.Sprintf("usr/%03d", i/100)))
		}
		out = append(out, file(fmt.Sprintf("usr/%03d/%02d", i/100, i%100), fmt.Sprintf("file %d", i)))
	}
	return append(out, dir("usr"))
}

func BenchmarkUnpack20000Files(b *testing.B) {
	k := newBench(b, manyFiles(20000))
	for b.Loop() {
		r := k.open(Options{})
		b.StopTimer()
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
		if err := Sweep(filepath.Join(k.dir, "state"), func(string) bool { return false }); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkCommand is what a command costs when its layers are unpacked: a file
// is written in a tree of 20,000.
func BenchmarkCommand(b *testing.B) {
	for _, copied := range []bool{false, true} {
		b.Run(fmt.Sprintf("copy=%v", copied), func(b *testing.B) {
			k := newBench(b, manyFiles(20000))
			if err := k.open(Options{Copy: copied}).Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r := k.open(Options{Copy: copied})
				if err := os.WriteFile(filepath.Join(r.Path(), "usr/000/new"), nil, 0o600); err != nil {
					b.Fatal(err)
				}
				if _, err := r.Changes(); err != nil {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkManyChanges is a command that makes 20,000 files.
func BenchmarkManyChanges(b *testing.B) {
	k := newBench(b, []layer.Entry{dir("usr")})
	for b.Loop() {
		b.StopTimer()
		r := k.open(Options{})
		for i := range 20000 {
			if i%100 == 0 {
				if err := os.Mkdir(filepath.Join(r.Path(), fmt.Sprintf("usr/%03d", i/100)), 0o755); err != nil {
					b.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(r.Path(), fmt.Sprintf("usr/%03d/%02d", i/100, i%100)), []byte("x"), 0o600); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		entries, err := r.Changes()
		b.StopTimer()
		if err != nil || len(entries) != 20201 {
			b.Fatal(len(entries), err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkMount200Layers(b *testing.B) {
	k := newBench(b)
	for i := range 200 {
		k.add([]layer.Entry{file(fmt.Sprintf("f%d", i), "x")})
	}
	if err := k.open(Options{}).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := k.open(Options{}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
