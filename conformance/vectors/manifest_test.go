// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// The SDK takes and refuses manifests as the vectors say.
func TestManifestVectors(t *testing.T) {
	all, err := vectors.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			class, err := judgeManifest(v)
			switch {
			case class != v.Class:
				t.Fatalf("it is %s (%v), want %s", class, err, v.Expect)
			case class == "ok" && err != nil:
				t.Error(err)
			case err != nil && !strings.Contains(err.Error(), v.Where):
				t.Errorf("%q does not name %s", err, v.Where)
			}
		})
	}
}

// judgeManifest does what a host does with a plugin before it runs it.
func judgeManifest(v *vectors.Manifest) (class string, err error) {
	m, err := manifest.Parse(v.JSON)
	if err != nil {
		return "refused", err
	}
	var other *manifest.VersionError
	if err := m.Speaks(); errors.As(err, &other) && other.Plugin > 0 {
		return "version", nil
	}
	if err := m.Validate(); err != nil {
		return "refused", err
	}
	if err := verifyFiles(v, m); err != nil {
		return "digest", err
	}
	return "ok", verifyMatches(v, m)
}

// verifyFiles compares the files of a frontend; those of backends are not in
// the vectors.
func verifyFiles(v *vectors.Manifest, m *manifest.Manifest) error {
	if m.Kind != manifest.Frontend {
		return nil
	}
	for _, f := range m.Files {
		data, ok := v.File(f.Path)
		if !ok {
			return errors.New(f.Path + " is missing")
		}
		got, err := manifest.Digest(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if got != f.Digest {
			return &manifest.ChecksumError{Plugin: m.ID, Path: f.Path, Want: f.Digest, Got: got}
		}
	}
	return nil
}

// verifyMatches compares what the frontend claims.
func verifyMatches(v *vectors.Manifest, m *manifest.Manifest) error {
	names := map[manifest.Match]string{manifest.NoMatch: "none", manifest.PatternMatch: "pattern", manifest.ExactMatch: "exact"}
	var wrong []error
	for _, match := range v.Matches {
		how := names[m.Claims.Match(match.Name)]
		if match.Syntax {
			how = names[manifest.NoMatch]
			if m.Claims.HasSyntax(match.Name) {
				how = names[manifest.ExactMatch]
			}
		}
		if how != match.How {
			wrong = append(wrong, errors.New(match.Name+" is claimed "+how+", want "+match.How))
		}
	}
	return errors.Join(wrong...)
}
