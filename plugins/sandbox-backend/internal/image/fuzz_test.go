// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/image"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// FuzzRead reads an image of which the manifest, the configuration and a layer
// are anything. What is accepted is a tree with names that can be there. $C and
// $L in the manifest are digests and sizes of the other two, $D in the
// configuration is the digest of the layer.
func FuzzRead(f *testing.F) {
	s, err := store.Open(f.TempDir(), "boot")
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "blobs/sha256"), 0o700); err != nil {
		f.Fatal(err)
	}
	layer := make([]byte, 1024)
	f.Add(`{"schemaVersion":2,"config":{$C},"layers":[{$L}]}`, `{"rootfs":{"type":"layers","diff_ids":[$D]}}`, layer)
	f.Add(`{"schemaVersion":2,"config":{$C},"layers":[{$L},{$L}]}`, `{"rootfs":{"diff_ids":[$D,$D]}}`, layer)
	f.Add(`{"config":{"digest":"sha256:../../x"},"layers":null}`, `null`, layer)
	f.Add(`{"config":{$C},"layers":[{"digest":""}]}`, `{"rootfs":{"diff_ids":[""]}}`, layer)
	f.Fuzz(func(t *testing.T, manifest, config string, layer []byte) {
		blob := func(data []byte) string {
			h, _, err := v1.SHA256(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "blobs/sha256", h.Hex), data, 0o600); err != nil {
				t.Fatal(err)
			}
			return h.String()
		}
		digest := blob(layer)
		config = strings.ReplaceAll(config, "$D", fmt.Sprintf("%q", digest))
		manifest = strings.NewReplacer("$L", fmt.Sprintf(`"size":%d,"digest":%q`, len(layer), digest),
			"$C", fmt.Sprintf(`"size":%d,"digest":%q`, len(config), blob([]byte(config)))).Replace(manifest)
		im, err := image.Read(dir, blob([]byte(manifest)), s)
		if err != nil {
			return
		}
		err = im.Tree.Walk(".", func(name string, n *tree.Node) error {
			if found, err := im.Tree.Lstat(name); err != nil || found != n {
				t.Errorf("Lstat(%q): %v", name, err)
			}
			return tree.CheckName(name)
		})
		if err != nil {
			t.Error(err)
		}
	})
}
