// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// openFile opens a file that a command left, without following a link.
func openFile(dir, name string) (*os.File, error) {
	p, err := openPlace(dir)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return p.open(name)
}

// open opens a file for reading.
func (p *place) open(name string) (*os.File, error) {
	at, err := p.at(name)
	if err != nil {
		return nil, err
	}
	fd, err := openat(at.fd, at.base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// digest returns the digest of a file's bytes.
func (p *place) digest(name string) (string, error) {
	f, err := p.open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("file %q: %w", name, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
