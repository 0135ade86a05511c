// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/rootfs"
	"golang.org/x/sys/unix"
)

// Main is the inner process, and does not return in one. In any other process
// it does nothing. It must be called first in main.
func Main() {
	if len(os.Args) != 1 || os.Args[0] != innerName || os.Getpid() != 1 {
		return
	}
	// The command may signal the first process of its namespace; a handled
	// signal does nothing to it, and an ignored one would be ignored by the
	// command, too.
	signal.Notify(make(chan os.Signal, 1))
	os.Exit(serve(os.NewFile(socketFD, "backend")))
}

// serve does one request. Whatever it leaves behind ends with the process.
func serve(socket *os.File) int {
	if err := jail.CloseOnExec(); err != nil {
		return 1
	}
	b := &backend{codec: newCodec(socket), answers: make(chan *answer)}
	var r request
	if err := b.Decode(&r); err != nil {
		return 1 // there is nobody to tell
	}
	go b.listen()
	got, err := r.do(b)
	if err != nil {
		got = failed(err)
	}
	if err := b.Encode(report{Result: &got}); err != nil {
		return 1
	}
	return 0
}

// ofSource says whether an error is a fault of the user's source: the image has
// no place for a mount, or the command made a name that no layer can have.
func ofSource(err error) bool {
	var (
		before *rootfs.MountError
		after  *jail.PlaceError
		name   *layer.NameError
	)
	return errors.As(err, &before) || errors.As(err, &after) || errors.As(err, &name)
}

// listen takes in answers. When the backend is gone, so is this process.
func (b *backend) listen() {
	for {
		var a answer
		if err := b.Decode(&a); err != nil {
			os.Exit(1)
		}
		b.answers <- &a
	}
}

func (r *request) do(b *backend) (result, error) {
	if !r.OneID {
		// Groups of the user who runs the backend.
		if err := unix.Setgroups(nil); err != nil {
			return result{}, fmt.Errorf("leaving groups: %w", err)
		}
	}
	if err := jail.Prepare(r.Network); err != nil {
		return result{}, err
	}
	switch {
	case r.Job != nil:
		return r.Job.run(b, r)
	case r.Probe:
		return probe(r)
	case r.Sweep != "":
		return result{}, rootfs.Sweep(r.Sweep, b.keep)
	}
	var problems []error
	for _, dir := range r.Remove {
		problems = append(problems, rootfs.RemoveAll(dir))
	}
	return result{}, errors.Join(problems...)
}
