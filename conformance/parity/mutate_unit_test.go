// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestMutationsAreThoseOfTheSeed(t *testing.T) {
	texts := [][]byte{[]byte("FROM scratch\nCOPY a b\nRUN x\n"), nil}
	mutant := func(seed uint64) (all []byte) {
		m := &mutator{rand.New(rand.NewPCG(seed, 0)), texts}
		for i := range 1000 {
			all = append(all, m.mutate(texts[i%2])...)
		}
		return all
	}
	if !bytes.Equal(mutant(1), mutant(1)) {
		t.Error("the same seed gives other mutations")
	}
	if bytes.Equal(mutant(1), mutant(2)) {
		t.Error("another seed gives the same mutations")
	}
	if string(texts[0]) != "FROM scratch\nCOPY a b\nRUN x\n" {
		t.Errorf("the original was changed to %q", texts[0])
	}
}

func TestShrink(t *testing.T) {
	bad := func(text []byte) bool {
		return bytes.Contains(text, []byte("b\n")) && bytes.Contains(text, []byte("e"))
	}
	for text, want := range map[string]string{
		"a\nb\nc\nd\ne": "b\ne",
		"b\ne":          "b\ne",
		"eb\n":          "eb\n",
		"b\nx\nx\ne\n":  "b\ne\n",
	} {
		if got := shrink([]byte(text), bad); string(got) != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
