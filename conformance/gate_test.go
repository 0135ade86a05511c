// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// A plugin with a manifest that is not valid has no kind, and fails.
func TestBrokenManifestIsAFailure(t *testing.T) {
	dir := install(t, everyFrontend())
	if err := os.WriteFile(filepath.Join(dir, manifest.FileName), []byte(`{"schema": 1, "hooks": []}`), 0o644); err != nil {
		t.Fatal(err)
	}
	report, err := conformance.Run(t.Context(), conformance.Options{Plugin: dir})
	if err != nil {
		t.Fatal(err)
	}
	if report.OK() || report.Results[0].Name != "contract/manifest-valid" || report.Results[0].Status != suite.Failed {
		t.Errorf("got %+v", report.Results)
	}
}

// What is not the plugin that its manifest means is not run.
func TestChangedPluginIsNotRun(t *testing.T) {
	for _, m := range []*manifest.Manifest{everyFrontend(), everyBackend()} {
		dir := install(t, m)
		if err := os.WriteFile(filepath.Join(dir, "main"), []byte("#!/bin/sh\ntouch ran\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		report, err := conformance.Run(t.Context(), conformance.Options{Plugin: dir, Bundle: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Results {
			switch {
			case r.Name == "contract/manifest-valid" || r.Name == "contract/files-there":
			case r.Name == "contract/digests" && r.Status != suite.Failed:
				t.Errorf("%s is %s", r.Name, r.Status)
			case r.Name != "contract/digests" && (r.Status != suite.Blocked || r.Why != "blocked by contract/digests"):
				t.Errorf("%s is %s: %s", r.Name, r.Status, r.Why)
			}
		}
	}
}
