// SPDX-License-Identifier: Apache-2.0

// Package transfer makes the layers of COPY, ADD and WORKDIR.
//
// What a layer holds is decided by looking at the sources and at the tree that
// it goes onto. Nothing is unpacked and nothing is copied: an entry says where
// its bytes are to be read from when the layer is written. The exception is an
// archive that ADD unpacks; its files wait in one temporary file.
package transfer

import "time"

// Epoch is the time of files that have none of their own, as here-documents
// and made folders. It is the first that a zip file can hold.
var Epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Problem is an error of the user's source.
type Problem struct {
	// Message is one sentence: what is wrong.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }
