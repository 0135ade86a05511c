// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// parcel is a release of a frontend that claims "<id>file".
func parcel(t *testing.T, id, version string) Parcel {
	t.Helper()
	code := []byte("module of " + version)
	m := &manifest.Manifest{
		Schema: 1, ID: id, Kind: manifest.Frontend, Version: version, Protocol: manifest.Protocol{Major: 1},
		Files:  []manifest.File{{Path: "m.wasm", Digest: digest(t, code), Role: manifest.RoleMain}},
		Claims: &manifest.Claims{Files: []string{id + "file"}},
	}
	raw, err := manifest.Format(m)
	if err != nil {
		t.Fatal(err)
	}
	return Parcel{
		Manifest: m, Raw: raw, Digest: digest(t, raw), Record: Record{ID: id, Version: version, Source: "here"},
		Open: func(context.Context, manifest.File) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(code)), nil
		},
	}
}

func digest(t *testing.T, data []byte) string {
	t.Helper()
	d, err := manifest.Digest(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// install puts a release on a shelf.
func install(t *testing.T, s *Shelf, p Parcel, current bool) {
	t.Helper()
	staged, err := s.Stage(t.Context(), p)
	if err == nil {
		err = staged.Put(t.Context(), current)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// version returns which version of a plugin counts; "" for none.
func version(t *testing.T, s *Shelf, pins ...Pin) string {
	t.Helper()
	set, err := Find(Places{Shelf: s, Pins: Pins{File: "zlayer.lock", List: pins}})
	if err != nil {
		t.Fatal(err)
	}
	p := set.Get("a")
	if p == nil {
		return ""
	}
	if p.Problem != nil {
		t.Fatal(p.Problem)
	}
	return p.Manifest.Version
}

func TestShelf(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	one, two := parcel(t, "a", "1.0.0"), parcel(t, "a", "2.0.0")
	want := func(v string, pins ...Pin) {
		t.Helper()
		if got := version(t, s, pins...); got != v {
			t.Fatalf("version %q counts, want %q", got, v)
		}
	}
	want("")
	install(t, s, one, true)
	want("1.0.0")
	install(t, s, two, false)
	want("1.0.0")
	want("2.0.0", Pin{ID: "a", Version: "2.0.0", Digest: two.Digest})
	install(t, s, two, true)
	want("2.0.0")
	if err := s.Rollback(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want("1.0.0")
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	want("")
	want("", Pin{ID: "a", Version: "2.0.0", Digest: two.Digest})
	if left := subfolders(s.path(releasesName)); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	var absent *NotInstalledError
	if err := s.Remove(t.Context(), "a"); !errors.As(err, &absent) {
		t.Errorf("removing twice: %v", err)
	}
}

// What came wrong is not there at all.
func TestWrongFile(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	p := parcel(t, "a", "1.0.0")
	p.Open = func(context.Context, manifest.File) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("other")), nil
	}
	var sum *manifest.ChecksumError
	if _, err := s.Stage(t.Context(), p); !errors.As(err, &sum) {
		t.Errorf("got %v", err)
	}
	if left := subfolders(s.path(incomingName)); version(t, s) != "" || len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A manifest that was changed is no longer the one that was installed, and
// another install repairs it.
func TestTamperedAndRepaired(t *testing.T) {
	for _, name := range []string{manifest.FileName, "m.wasm"} {
		s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
		p := parcel(t, "a", "1.0.0")
		install(t, s, p, true)
		file := filepath.Join(s.release(p.Digest), name)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, string(data)+" ")
		found := s.Get("a", p.Digest)
		if name == manifest.FileName && (found.Problem == nil || !strings.Contains(found.Problem.Error(), "expected "+p.Digest)) {
			t.Errorf("the changed manifest: %v", found.Problem)
		}
		if name != manifest.FileName && found.Verify() == nil {
			t.Error("the changed file was not noticed")
		}
		install(t, s, p, true)
		if found := s.Get("a", p.Digest); found.Problem != nil || found.Verify() != nil {
			t.Errorf("%s: not repaired: %v, %v", name, found.Problem, found.Verify())
		}
	}
}

// A killed install is cleaned up by the next one, a running one is not.
func TestSweep(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	running, err := s.Stage(t.Context(), parcel(t, "a", "1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	killed, err := s.Stage(t.Context(), parcel(t, "a", "2.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = killed.lock.Close()
	last := s.path(incomingName, "killed-as-it-ended"+lockSuffix)
	if err := os.WriteFile(last, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.sweep(t.Context())
	for _, path := range []string{killed.dir, killed.lock.Path(), last} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s of a killed one is still there", path)
		}
	}
	if err := running.Put(t.Context(), true); err != nil || version(t, s) != "1.0.0" {
		t.Errorf("the running one: %v", err)
	}
}

// A release that runs keeps its files until it ends.
func TestRemoveWhileItRuns(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	p := parcel(t, "a", "1.0.0")
	install(t, s, p, true)
	lock := flock.New(s.Get("a", p.Digest).Lock(), flock.SetPermissions(0o600))
	if err := lock.RLock(); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.release(p.Digest), "m.wasm")); err != nil || version(t, s) != "" {
		t.Errorf("files: %v", err)
	}
	_ = lock.Close()
	if err := s.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.release(p.Digest)); err == nil {
		t.Error("the files are still there")
	}
}

// What is neither current nor previous is kept as long as somebody uses it.
func TestCollect(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	list := []Parcel{parcel(t, "a", "1.0.0"), parcel(t, "a", "2.0.0"), parcel(t, "a", "3.0.0"), parcel(t, "a", "4.0.0")}
	long := time.Now().Add(-unusedFor - time.Hour)
	for _, p := range list {
		install(t, s, p, true)
		if err := os.Chtimes(s.release(p.Digest)+recordSuffix, long, long); err != nil {
			t.Fatal(err)
		}
	}
	s.Get("a", list[1].Digest).Used()
	if err := s.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, true, true} {
		if got := s.Get("a", list[i].Digest) != nil; got != want {
			t.Errorf("%s is there: %t, want %t", list[i].Manifest.Version, got, want)
		}
	}
}

// What another process removes while it is installed again is there afterwards.
func TestRemovedMeanwhile(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	p := parcel(t, "a", "1.0.0")
	install(t, s, p, true)
	staged, err := s.Stage(t.Context(), p)
	if err == nil {
		err = s.Remove(t.Context(), "a")
	}
	if err == nil {
		err = staged.Put(t.Context(), true)
	}
	if err != nil {
		t.Fatal(err)
	}
	if found := s.Get("a", p.Digest); version(t, s) != "1.0.0" || found.Verify() != nil {
		t.Errorf("%+v", found)
	}
}

func TestSeveralAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plugins")
	var group sync.WaitGroup
	for _, v := range []string{"1.0.0", "2.0.0", "1.0.0", "2.0.0", "3.0.0"} {
		p := parcel(t, "a", v)
		group.Go(func() {
			s := OpenShelf(dir)
			staged, err := s.Stage(t.Context(), p)
			if err == nil {
				err = staged.Put(t.Context(), true)
			}
			if err == nil {
				err = s.Collect(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if version(t, OpenShelf(dir)) == "" {
		t.Error("nothing is installed")
	}
}

func TestDrift(t *testing.T) {
	s := OpenShelf(filepath.Join(t.TempDir(), "plugins"))
	a, b := parcel(t, "a", "1.0.0"), parcel(t, "b", "1.0.0")
	install(t, s, a, true)
	install(t, s, b, true)
	good := Pin{ID: "a", Version: "1.0.0", Digest: a.Digest}
	other := Pin{ID: "a", Version: "2.0.0", Digest: "sha256:" + strings.Repeat("2", 64)}
	gone := Pin{ID: "c", Version: "1.0.0", Digest: "sha256:" + strings.Repeat("3", 64)}
	for _, c := range []struct {
		pins   []Pin
		strict bool
		drifts []string
		broken []string
	}{
		{[]Pin{good}, false, nil, nil},
		{[]Pin{good}, true, []string{"does not pin it"}, []string{"b"}},
		{[]Pin{good, {ID: "b", Version: "1.0.0", Digest: b.Digest}}, true, nil, nil},
		{[]Pin{other}, false, []string{"pins a 2.0.0 with digest sha256:222"}, nil},
		{[]Pin{other, gone}, true, []string{"pins a 2.0.0", "pins c 1.0.0, which is not installed", "does not pin it"}, []string{"a", "b"}},
	} {
		set, err := Find(Places{Shelf: s, Pins: Pins{File: "zlayer.lock", List: c.pins, Strict: c.strict}})
		if err != nil {
			t.Fatal(err)
		}
		var broken []string
		for _, p := range set.All() {
			if p.Problem != nil {
				broken = append(broken, p.ID)
			}
		}
		if strings.Join(broken, " ") != strings.Join(c.broken, " ") || len(set.Drifts()) != len(c.drifts) {
			t.Errorf("%v: broken %q, drifts %v", c.pins, broken, set.Drifts())
			continue
		}
		for i, d := range set.Drifts() {
			if !strings.Contains(d.Message, c.drifts[i]) || d.Help == "" {
				t.Errorf("%v: %q, want %q", c.pins, d.Message, c.drifts[i])
			}
		}
	}
}
