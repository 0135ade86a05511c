// SPDX-License-Identifier: Apache-2.0

package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestKeysDiffer(t *testing.T) {
	amd64, arm64 := &irv1.Platform{Os: "linux", Architecture: "amd64"}, &irv1.Platform{Os: "linux", Architecture: "arm64"}
	seen := map[string]string{}
	for name, k := range map[string]*key{
		"plain": newKey(amd64, ""), "platform": newKey(arm64, ""), "parent": newKey(amd64, "l"),
		"one text": with(newKey(amd64, ""), "ab"), "two texts": with(newKey(amd64, ""), "a", "b"), "empty text": with(newKey(amd64, ""), ""),
	} {
		if other, ok := seen[k.String()]; ok {
			t.Errorf("%q and %q have one key", name, other)
		}
		seen[k.String()] = name
	}
	if once, again := newKey(amd64, "l").String(), newKey(amd64, "l").String(); once != again {
		t.Error("the same has two keys")
	}
}

func with(k *key, texts ...string) *key {
	k.add(texts...)
	return k
}

func TestCacheFiles(t *testing.T) {
	c := cache{filepath.Join(t.TempDir(), "cache")}
	k := newKey(nil, "").String()
	if _, ok := c.get(k); ok {
		t.Error("an empty cache knows a key")
	}
	for _, layer := range []string{"one", "", "two"} {
		if err := c.set(k, layer); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.get(k); !ok || got != layer {
			t.Errorf("get = %q, %v; want %q", got, ok, layer)
		}
	}
	list, err := os.ReadDir(c.dir)
	if err != nil || len(list) != 1 {
		t.Errorf("files are left: %v, %v", list, err)
	}
}
