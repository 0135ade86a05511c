// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// overlay is a tree as an overlay of unpacked layers.
type overlay struct {
	root    *Root
	layers  *layers
	mounted bool
	// lowers are the folders of the layers, the lowest first, and seen is what
	// else is known of them.
	lowers []string
	seen   []*about
}

// The folders below the temporary one.
const (
	upperName = "upper"
	workName  = "work"
	frameName = "frame"
	floorName = "floor"
	rootName  = "root"
	linksName = "l"
)

// maxLowers is how many folders overlay takes (OVL_MAX_STACK in the kernel),
// less the topmost and the lowest.
const maxLowers = 500 - 2

func (o *overlay) temp(name string) string { return filepath.Join(o.root.options.Temp, name) }
func (o *overlay) path() string            { return o.temp(rootName) }
func (o *overlay) files() string           { return o.temp(upperName) }
func (o *overlay) whole() bool             { return false }

// newOverlay mounts an overlay. Where the machine or a layer does not allow
// that, the error is a *refusal.
func newOverlay(r *Root, sources []layer.Source) (view, error) {
	if len(sources) > maxLowers {
		return nil, &refusal{reason: fmt.Sprintf("overlay takes at most %d layers", maxLowers)}
	}
	store, err := openLayers(r.options.State, r.id, "lower")
	if err != nil {
		return nil, err
	}
	o := &overlay{root: r, layers: store}
	for _, name := range []string{upperName, workName, frameName, floorName, rootName} {
		if err := os.Mkdir(o.temp(name), 0o700); err != nil {
			return nil, err
		}
	}
	if err := o.unpack(sources); err != nil {
		return nil, err
	}
	if err := o.furnish(); err != nil {
		return nil, err
	}
	return o, o.mount()
}

// unpack unpacks the layers that are missing. Before the first, a small
// overlay shows whether there can be any.
func (o *overlay) unpack(sources []layer.Source) error {
	tried := false
	for _, src := range sources {
		if !o.layers.has(src.Digest) {
			if err := o.try(&tried); err != nil {
				return err
			}
			if err := o.add(src); err != nil {
				return fmt.Errorf("layer %s: %w", src.Digest, err)
			}
		}
		path, err := o.layers.path(src.Digest)
		if err != nil {
			return err
		}
		a, err := readAbout(filepath.Join(path, aboutName))
		if err != nil {
			return err
		}
		if a.Odd != "" {
			return &refusal{reason: "layer " + src.Digest + " " + a.Odd}
		}
		o.lowers, o.seen = append(o.lowers, filepath.Join(path, filesName)), append(o.seen, a)
	}
	return nil
}

// add unpacks a layer. One that makes sense only together with those below it
// is kept as an empty folder that says so.
func (o *overlay) add(src layer.Source) error {
	return o.layers.add(src.Digest, func(files string) (*about, error) {
		src, err := o.root.complete(src)
		if err != nil {
			return nil, err
		}
		a, err := unpackLower(files, src, o.root.id)
		if errors.Is(err, errOdd) {
			return &about{Odd: err.Error()}, RemoveAll(files)
		}
		return a, err
	})
}

// try mounts a small overlay once.
func (o *overlay) try(tried *bool) error {
	if *tried {
		return nil
	}
	*tried = true
	if err := o.whiteouts(); err != nil {
		return &refusal{"whiteouts are refused", err}
	}
	if err := o.mountLowers(o.layers.dir, nil, ""); err != nil {
		return err
	}
	return o.unmount()
}

// whiteouts tries what unpacking needs beside the overlay itself.
func (o *overlay) whiteouts() error {
	probe := filepath.Join(o.temp(frameName), "probe")
	if err := unix.Mknod(probe, unix.S_IFCHR, 0); err != nil {
		return err
	}
	return errors.Join(os.Remove(probe), unix.Setxattr(o.temp(frameName), opaque, []byte("n"), 0), unix.Removexattr(o.temp(frameName), opaque))
}

// mount mounts the overlay.
func (o *overlay) mount() error {
	var names []string
	for i, path := range slices.Backward(o.lowers) {
		names = append(names, filepath.Join(filepath.Base(filepath.Dir(path)), filesName))
		if o.seen[i].Whole {
			break
		}
	}
	dir := o.layers.dir
	if len(strings.Join(names, ":")) > maxNames {
		if err := o.shorten(names); err != nil {
			return err
		}
		dir = o.temp(linksName)
	}
	// A command may ask for its files to be on disk for sure. Nobody needs that:
	// after a crash they are thrown away.
	return o.mountLowers(dir, names, ",volatile")
}

// maxNames is how long the names of all layers may be together: the options of
// a mount have to fit in a page.
const maxNames = 4096 - 512

// shorten gives the layers short names: symbolic links.
func (o *overlay) shorten(names []string) error {
	if err := os.Mkdir(o.temp(linksName), 0o700); err != nil {
		return err
	}
	for i, name := range names {
		names[i] = strconv.FormatInt(int64(i), 36)
		if err := os.Symlink(filepath.Join(o.layers.dir, name), filepath.Join(o.temp(linksName), names[i])); err != nil {
			return err
		}
	}
	return nil
}

// mountLowers mounts the overlay of the frame, these folders below dir, and the
// floor.
func (o *overlay) mountLowers(dir string, names []string, more string) error {
	// By its descriptor: the path itself may be long, or hold a "," or ":".
	temp, err := os.Open(o.root.options.Temp)
	if err != nil {
		return err
	}
	defer temp.Close()
	here := fmt.Sprintf("/proc/self/fd/%d/", temp.Fd())
	data := "lowerdir=" + strings.Join(append(append([]string{here + frameName}, names...), here+floorName), ":") +
		",upperdir=" + here + upperName + ",workdir=" + here + workName +
		",userxattr,redirect_dir=nofollow,metacopy=off,index=off,xino=off" + more
	if err := inFolder(dir, func() error {
		return unix.Mount("overlay", here+rootName, "overlay", 0, data)
	}); err != nil {
		return &refusal{"this machine refuses to mount an overlay", err}
	}
	o.mounted = true
	return nil
}

// inFolder calls fn with the folder as the working directory, of a thread that
// is not used for anything else afterwards.
func inFolder(dir string, fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Chdir(dir)
		}
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}

// unmount unmounts the overlay.
func (o *overlay) unmount() error {
	if !o.mounted {
		return nil
	}
	if err := unix.Unmount(o.path(), 0); err != nil {
		return err
	}
	o.mounted = false
	return nil
}

// scan reads the upper folder.
func (o *overlay) scan() (*scanner, error) {
	if err := o.unmount(); err != nil {
		return nil, fmt.Errorf("unmounting the tree: %w", err)
	}
	s := &scanner{id: o.root.id, overlay: true}
	return s, s.all(o.files())
}

// close unmounts. When something still holds the tree, it is unmounted for all
// who come later, and removed.
func (o *overlay) close() error {
	err := o.unmount()
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(o.path(), unix.MNT_DETACH)
		o.mounted = err != nil
	}
	return err
}
