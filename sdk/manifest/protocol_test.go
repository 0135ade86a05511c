// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

func TestAnotherMajorIsAnErrorThatSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		plugin, host  int
		install, help string
	}{
		{7, 1, "", "update zlayer, or install an older version of the plugin"},
		{7, 1, "0.0.9", "install version 0.0.9 of the plugin, or update zlayer"},
		{1, 2, "", "install a newer version of the plugin"},
		{1, 2, "0.2.0", "install version 0.2.0 of the plugin"},
	} {
		e := manifest.VersionError{Plugin: tt.plugin, Host: tt.host, Install: tt.install}
		if e.Help() != tt.help {
			t.Errorf("%+v: %s", e, e.Help())
		}
	}
	m := backend()
	if err := m.Speaks(); err != nil {
		t.Fatal(err)
	}
	m.Protocol.Major = 7
	var e *manifest.VersionError
	if err := m.Speaks(); !errors.As(err, &e) || err.Error() != "acme.example/oven 0.1.0 speaks backend protocol 7, this zlayer speaks 1" {
		t.Fatalf("got %v", err)
	}
}

func TestANewerMinorIsANote(t *testing.T) {
	for _, tt := range []struct {
		of                 *manifest.Manifest
		major, minor, host int
	}{
		{frontend(), manifest.FrontendMajor, manifest.FrontendMinor, manifest.FrontendMinor},
		{backend(), manifest.BackendMajor, manifest.BackendMinor, manifest.BackendMinor},
	} {
		m := tt.of
		m.Protocol = manifest.Protocol{Major: tt.major, Minor: tt.minor}
		if note := m.Ahead(); note != "" {
			t.Errorf("as new as this host: %s", note)
		}
		m.Protocol.Minor++
		want := fmt.Sprintf("it knows %s protocol %d.%d and this zlayer %d.%d: what is new in it is not used",
			m.Kind, tt.major, tt.minor+1, tt.major, tt.host)
		if note := m.Ahead(); note != want || m.Speaks() != nil {
			t.Errorf("got %q and %v, want %q", note, m.Speaks(), want)
		}
		m.Protocol.Major++
		if note := m.Ahead(); note != "" {
			t.Errorf("what is refused has a note: %s", note)
		}
	}
}
