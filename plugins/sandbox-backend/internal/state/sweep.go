// SPDX-License-Identifier: Apache-2.0

package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	// interval is how often what failed builds left is looked for.
	interval = 24 * time.Hour
	// unused is how long is kept what no artifact needs: the steps of a build
	// that failed are wanted by its next try, and so are the indexes of base
	// images.
	unused = 7 * 24 * time.Hour
)

// sweepIfAlone removes what nobody needs, when something was forgotten or it
// is time, and when nobody else uses the folder. Whoever does will sweep.
func (f *Folder) sweepIfAlone() error {
	due, err := f.due()
	if err != nil || !due {
		return err
	}
	alone := flock.New(filepath.Join(f.dir, "lock"))
	if ok, err := alone.TryLock(); err != nil || !ok {
		return err
	}
	return errors.Join(f.sweep(), alone.Close())
}

// marker is a file whose time is that of the last sweep, and whose text is the
// boot that the machine was in.
func (f *Folder) marker() string { return filepath.Join(f.dir, "swept") }

func (f *Folder) due() (bool, error) {
	if forgotten, err := os.ReadDir(filepath.Join(f.dir, "removed")); err != nil || len(forgotten) > 0 {
		return err == nil, err
	}
	boot, err := os.ReadFile(f.marker())
	if errors.Is(err, fs.ErrNotExist) {
		return false, write(f.marker(), []byte(f.boot))
	}
	if err != nil || string(boot) != f.boot {
		return err == nil, err
	}
	info, err := os.Stat(f.marker())
	return err == nil && away(info.ModTime()) > interval, err
}

// sweep removes the layers that no artifact and no recent build needs, and
// all that is known about them.
func (f *Folder) sweep() error {
	removed, err := f.layersOf("removed", false)
	if err != nil {
		return err
	}
	needed, err := f.layersOf("artifacts", true)
	if err != nil {
		return err
	}
	steps, err := f.steps()
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.Layer != "" && !removed[s.Layer] && s.recent() {
			needed[s.Layer] = true
		}
	}
	if err := f.dropLayers(removed, needed); err != nil {
		return err
	}
	if err := dropSteps(steps, needed); err != nil {
		return err
	}
	// Trees that cannot be removed are tried again with the next sweep.
	return errors.Join(f.tell(), f.Layers.Recover(), f.tidy())
}

// tell calls Swept.
func (f *Folder) tell() error {
	if f.Swept == nil {
		return nil
	}
	left, err := f.Layers.List()
	if err != nil {
		return err
	}
	return f.Swept(func(digest string) bool {
		_, ok := left[digest]
		return ok
	})
}

// layersOf lists the layers of the records in a folder. All of them means that
// a record that cannot be read stops the sweep: it may need anything.
func (f *Folder) layersOf(folder string, all bool) (map[string]bool, error) {
	list, err := os.ReadDir(filepath.Join(f.dir, folder))
	if err != nil {
		return nil, err
	}
	layers := map[string]bool{}
	for _, e := range list {
		a, err := readArtifact(filepath.Join(f.dir, folder, e.Name()))
		if err != nil && all && isHandle(e.Name()) {
			return nil, err
		}
		for _, l := range a.layers() {
			layers[l] = true
		}
	}
	return layers, nil
}

// step is a file of the folder of steps.
type step struct {
	Made
	path string
	used time.Time
}

func (s step) recent() bool { return away(s.used) < unused }

// away is how far a time is from now. One in the future is that of a clock that
// was wrong, and has since been set.
func away(t time.Time) time.Duration { return time.Since(t).Abs() }

func (f *Folder) steps() (list []step, err error) {
	err = filepath.WalkDir(filepath.Join(f.dir, "steps"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		made, ok := readMade(path)
		if !ok {
			return os.Remove(path) // a draft of a process that died
		}
		list = append(list, step{made, path, info.ModTime()})
		return nil
	})
	return list, err
}

// dropLayers removes all layers that are not needed, but for those that came
// lately and were not removed: of base images, and of builds that died.
func (f *Folder) dropLayers(removed, needed map[string]bool) error {
	all, err := f.Layers.List()
	if err != nil {
		return err
	}
	var errs []error
	for digest, came := range all {
		if !needed[digest] && (removed[digest] || away(came) > unused) {
			errs = append(errs, f.Layers.Remove(digest))
		}
	}
	return errors.Join(errs...)
}

// dropSteps forgets the steps whose layers are gone, and those that made no
// layer when they were not used lately.
func dropSteps(steps []step, needed map[string]bool) error {
	var errs []error
	for _, s := range steps {
		if keep := needed[s.Layer] || s.Layer == "" && s.recent(); !keep {
			errs = append(errs, os.Remove(s.path))
		}
	}
	return errors.Join(errs...)
}

// tidy removes the records of what is gone, and all locks: nobody has one.
func (f *Folder) tidy() error {
	var errs []error
	for _, folder := range []string{"removed", "locks"} {
		list, err := os.ReadDir(filepath.Join(f.dir, folder))
		errs = append(errs, err)
		for _, e := range list {
			errs = append(errs, os.Remove(filepath.Join(f.dir, folder, e.Name())))
		}
	}
	return errors.Join(append(errs, write(f.marker(), []byte(f.boot)))...)
}
