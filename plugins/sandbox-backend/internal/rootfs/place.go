// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// place is a folder on disk. Names below it are opened part by part, and no
// link is followed, so that what is in it cannot lead elsewhere. The folder
// used last stays open: names of one folder mostly follow each other. It is
// for one goroutine.
type place struct {
	fd int
	// dir and dirFD are the folder used last.
	dir   string
	dirFD int
}

const openFolder = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// openPlace opens a folder by its path on the machine.
func openPlace(path string) (*place, error) {
	fd, err := unix.Open(path, openFolder, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &place{fd: fd, dirFD: -1}, nil
}

// close closes the folder.
func (p *place) close() {
	p.leave()
	_ = unix.Close(p.fd)
}

// leave closes the folder used last.
func (p *place) leave() {
	if p.dirFD >= 0 {
		_ = unix.Close(p.dirFD)
	}
	p.dir, p.dirFD = "", -1
}

// folder returns the descriptor of a folder below. It is valid until the next
// call.
func (p *place) folder(name string) (int, error) {
	if name == "." {
		return p.fd, nil
	}
	if p.dirFD >= 0 && p.dir == name {
		return p.dirFD, nil
	}
	from, rest := p.fd, name
	if p.dirFD >= 0 && under(name, p.dir) {
		from, rest = p.dirFD, name[len(p.dir)+1:]
	}
	fd, err := descend(from, rest)
	if err != nil {
		return -1, fmt.Errorf("folder %q: %w", name, err)
	}
	p.leave()
	p.dir, p.dirFD = strings.Clone(name), fd
	return fd, nil
}

// spot is where a file is: a base in an open folder. It is valid until its
// place is asked for another.
type spot struct {
	fd   int
	base string
}

// at returns where a name is.
func (p *place) at(name string) (spot, error) {
	if name == "." {
		return spot{p.fd, "."}, nil
	}
	dir, base := split(name)
	fd, err := p.folder(dir)
	return spot{fd, base}, err
}

// descend opens a folder below another.
func descend(fd int, name string) (int, error) {
	at := fd
	for part := range strings.SplitSeq(name, "/") {
		next, err := openat(at, part, openFolder, 0)
		if at != fd {
			_ = unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = next
	}
	return at, nil
}

// openat is openat(2), tried again when a signal interrupts it.
func openat(fd int, base string, flags int, mode uint32) (int, error) {
	for {
		got, err := unix.Openat(fd, base, flags, mode)
		if err != unix.EINTR {
			return got, err
		}
	}
}
