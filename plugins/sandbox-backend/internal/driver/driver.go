// SPDX-License-Identifier: Apache-2.0

// Package driver is what the engine knows of the ways to run a command.
//
// A driver is the only part of the backend that turns a tree into files on
// disk. The engine gives it layers and gets a layer back.
package driver

import (
	"context"
	"fmt"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Driver runs commands.
type Driver interface {
	// Describe says what of the manifest's capabilities this machine lacks,
	// and on which platforms commands run. It changes nothing.
	Describe(ctx context.Context) (*backendv1.DescribeResponse, error)
	// Run runs a command to its end and writes what it changed as the tar of
	// a layer to the file Command.Layer. A command that changed nothing gives
	// nil. When ctx ends, or the process of the backend does, all processes
	// and mounts of the command are gone soon.
	//
	// A command that ends badly is an *ExitError.
	Run(ctx context.Context, c Command) (*layer.Layer, error)
	// Recover removes what Run left below a folder when the process of the
	// backend died.
	Recover(ctx context.Context, dir string) error
}

// Chain is a stack of layers, the lowest first, and the tree it adds up to.
type Chain struct {
	// Tree is what the layers add up to.
	Tree *tree.Tree
	// Layers are the layers, the lowest first.
	Layers []layer.Source
}

// Command is a command to run.
type Command struct {
	// Exec is the command: argv, script, environment, workdir, network.
	Exec *irv1.Exec
	// Architecture is the CPU that the image is for, as a GOARCH.
	Architecture string
	// UID, GID and Groups are who it runs as, looked up in the tree.
	UID, GID uint32
	Groups   []uint32
	// Root is the tree it sees as /.
	Root Chain
	// Mounts are what else it sees, in order.
	Mounts []Mount
	// State is the driver's own folder, kept between builds and shared by
	// them: trees on disk, by digest. The next boot of the machine has another
	// one, so nothing need be flushed.
	State string
	// Temp is an empty folder for this command, on the same file system as
	// State. The engine removes it afterwards; what cannot be removed by the
	// user who runs the backend is for the driver to remove.
	Temp string
	// Layer is the file that gets the tar of the layer; it does not exist.
	Layer string
	// Copy says that the tree is to be a copy also where it could be had with
	// less work.
	Copy bool
	// Copied gets, when not nil, why the tree is a copy though Copy did not ask
	// for one. A driver that always copies need not call it.
	Copied func(why string)
	// Output gets what the command writes.
	Output func(stderr bool, data []byte)
}

// Mount is one mount of a command. Exactly one of Tree, Folder, Tmpfs, Secret
// and Socket is set.
type Mount struct {
	// Target is where, absolute.
	Target string
	// ReadOnly says that writing is refused.
	ReadOnly bool
	// Tree is a bind mount: a path in a chain; what is written there is
	// discarded.
	Tree *Subtree
	// Folder is a cache: a folder on disk, kept.
	Folder *Folder
	// Tmpfs is an empty file system in memory.
	Tmpfs *Tmpfs
	// Secret is a file with these bytes. It is nowhere on disk.
	Secret *Secret
	// Socket is an ssh-agent: the path of its socket on the machine.
	Socket *Socket
}

// Subtree is a path in a chain.
type Subtree struct {
	// Chain holds it.
	Chain Chain
	// Path is the folder or file, clean and relative with all links
	// followed; "." is the root.
	Path string
}

// Folder is a folder of a cache mount.
type Folder struct {
	// Path is the folder, absolute. When it does not exist the driver makes
	// it, with Seed in it.
	Path string
	// Seed is what a new folder holds. Nil: nothing.
	Seed *Subtree
	// Mode, UID and GID are those of a new folder without a seed.
	Mode, UID, GID uint32
}

// Tmpfs is a file system in memory.
type Tmpfs struct {
	// Size is its limit in bytes; 0 for none.
	Size int64
}

// Secret is a secret file.
type Secret struct {
	// Data are its bytes.
	Data []byte
	// Mode, UID and GID are those of the file.
	Mode, UID, GID uint32
}

// Socket is a socket of the machine.
type Socket struct {
	// Path is the socket, absolute.
	Path string
	// Mode, UID and GID are those it has in the command's view.
	Mode, UID, GID uint32
}

// ExitError says that a command ended badly.
type ExitError struct {
	// Code is its exit code; 128 plus the signal when one ended it, 127 when
	// it was not found and 126 when it could not be started.
	Code int
	// Reason says why it could not be started. Empty when it ran.
	Reason string
	// Help says what of this machine may be why, and what to do about it. Empty
	// when nothing is known.
	Help string
}

// Error describes the end.
func (e *ExitError) Error() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Code > 128:
		return fmt.Sprintf("ended by signal %d", e.Code-128)
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
