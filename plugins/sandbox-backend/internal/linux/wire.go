// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"encoding/gob"
	"errors"
	"io"
	"syscall"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// What the backend and the inner process say to each other, over a socket that
// only they have: one request, then reports that each ask something, with their
// answers, and at last a report with the result. Nothing of it is in the
// arguments or environment of a process: it holds secrets.

// request is what the inner process is for. Exactly one of Job, Remove, Sweep
// and Probe is set.
type request struct {
	// Network says that the machine's network is there.
	Network bool
	// OneID says that only one user is mapped.
	OneID bool
	// Job is a command to run.
	Job *job
	// Remove are folders to remove.
	Remove []string
	// Sweep is the folder of file trees to sweep.
	Sweep string
	// Probe says to try out what commands need.
	Probe bool
}

// job is a driver.Command for the inner process. Trees stay with the backend,
// who is asked about them; files of layers are read by their paths.
type job struct {
	// Exec is the irv1.Exec.
	Exec               []byte
	UID, GID           uint32
	Groups             []uint32
	State, Temp, Layer string
	Resolvers          []byte
	// SocketCall is that of jail.Spec.
	SocketCall bool
	// Chains are the stacks of layers, the root's first.
	Chains [][]source
	// Copy says that trees are to be copies.
	Copy bool
	// Mounts are the mounts in order.
	Mounts []mount
}

// source is a layer.Source without its changes.
type source struct {
	Digest     string
	Size       int64
	Path       string
	Compressed bool
}

// subtree is a driver.Subtree.
type subtree struct {
	// Chain is an index into the job's chains.
	Chain int
	Path  string
	// Dir says that it is a folder.
	Dir bool
}

// mount is a driver.Mount.
type mount struct {
	Target   string
	ReadOnly bool
	Tree     *subtree
	Folder   *folder
	Tmpfs    *driver.Tmpfs
	Secret   *driver.Secret
	Socket   *driver.Socket
}

// folder is a driver.Folder.
type folder struct {
	Path           string
	Seed           *subtree
	Mode, UID, GID uint32
}

// report is what the inner process says: exactly one is set.
type report struct {
	Query  *query
	Result *result
}

// query asks about the tree of a chain.
type query struct {
	Chain int
	// Names asks for the files of these names.
	Names []string
	// List asks for the names in Dir.
	List bool
	Dir  string
	// All asks for all names and their files.
	All bool
	// Digest asks for the changes of a layer of the chain or, when sweeping,
	// whether the layer is wanted.
	Digest string
	// Copied says why a tree is a copy. It asks nothing.
	Copied string
}

// answer answers a query.
type answer struct {
	Names []string
	Nodes []found
	// Changes are those of a layer.
	Changes []tree.Change
	// Keep says that a layer is wanted.
	Keep bool
	Err  string
}

// found is a file, or none.
type found struct {
	There bool
	Node  tree.Node
}

// result is the end.
type result struct {
	// Code and Reason are those of a driver.ExitError.
	Code   int
	Reason string
	// Layer is what the command changed. Nil when it changed nothing.
	Layer *layer.Layer
	// Err is what kept the command from being tried, or its changes from being
	// collected.
	Err string
	// Source says that Err is a fault of the user's source.
	Source bool
	// Errno is what the system said, if Err comes of that.
	Errno syscall.Errno
}

// failed is the end that an error makes.
func failed(err error) result {
	r := result{Err: err.Error(), Source: ofSource(err)}
	errors.As(err, &r.Errno)
	return r
}

// err is the error that failed was given, as far as others look into it.
func (r *result) err() error {
	switch {
	case r.Err == "":
		return nil
	case r.Source:
		return &transfer.Problem{Message: r.Err}
	case r.Errno != 0:
		return &systemError{r.Err, r.Errno}
	}
	return errors.New(r.Err)
}

// systemError is an error of the system that came over the socket.
type systemError struct {
	text  string
	errno syscall.Errno
}

// Error returns the whole text, which has that of the system in it.
func (e *systemError) Error() string { return e.text }

// Unwrap returns what the system said.
func (e *systemError) Unwrap() error { return e.errno }

// codec is one end of the socket.
type codec struct {
	*gob.Encoder
	*gob.Decoder
}

func newCodec(rw io.ReadWriter) codec { return codec{gob.NewEncoder(rw), gob.NewDecoder(rw)} }
