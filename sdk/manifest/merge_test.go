// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// on is the backend as it was sealed on one platform.
func on(platform string) *manifest.Manifest {
	m := backend()
	m.Files = m.On(platform)
	return m
}

func TestMergeJoinsThePlatforms(t *testing.T) {
	var all [][]byte
	for _, list := range [][]*manifest.Manifest{
		{on("linux/amd64"), on("linux/arm64")},
		{on("linux/arm64"), on("linux/amd64")},
		{backend(), on("linux/amd64"), on("linux/amd64")},
		{backend()},
	} {
		m, err := manifest.Merge(list...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := manifest.Format(m)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
		if len(m.Files) != 4 || strings.Join(m.Platforms(), " ") != "linux/amd64 linux/arm64" {
			t.Errorf("files %v", m.Files)
		}
	}
	for _, text := range all {
		if !bytes.Equal(text, all[0]) {
			t.Errorf("%s and %s", text, all[0])
		}
	}
	if one := on("linux/amd64"); len(one.Files) != 3 {
		t.Errorf("it changed what it was given: %v", one.Files)
	}
}

func TestMergeRefusesWhatIsNotOnePlugin(t *testing.T) {
	type M = manifest.Manifest
	for _, tt := range []struct {
		name   string
		change func(*M)
		want   string
	}{
		{"version", func(m *M) { m.Version = "0.2.0" }, `"version" differs: "0.1.0" in one manifest and "0.2.0" in another`},
		{"id", func(m *M) { m.ID = "oven" }, `"id" differs`},
		{"permissions", func(m *M) { m.Permissions = nil }, `"permissions" differs: {"network":true} in one manifest and missing in another`},
		{"summary", func(m *M) { m.Summary = "hot" }, `"summary" differs: missing in one manifest and "hot" in another`},
		{"order of a list", func(m *M) { m.Environment = []string{"OVEN_*", "PATH"} }, `"environment" differs`},
		{"a file of every platform", func(m *M) { m.Files[1].Digest = "sha256:" + strings.Repeat("0b", 32) },
			`"files" differ: "policy.json" for every platform`},
		{"two to run", func(m *M) {
			m.Files = append(m.Files, manifest.File{Path: "oven", Digest: digest, Role: "main", Platform: "linux/amd64"})
		},
			`2 files have the role "main" on "linux/amd64"`},
	} {
		other := on("linux/arm64")
		tt.change(other)
		if _, err := manifest.Merge(on("linux/amd64"), other); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	var invalid *manifest.InvalidError
	if _, err := manifest.Merge(&M{}); !errors.As(err, &invalid) {
		t.Errorf("nothing at all: %v", err)
	}
	if _, err := manifest.Merge(); err == nil {
		t.Error("no manifest is one")
	}
}
