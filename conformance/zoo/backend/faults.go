// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"

	sdk "github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// fault is one way to be wrong: what is set replaces what is right.
type fault struct {
	start      func()                   // runs before anything else
	line       func(line string) string // the handshake line
	socket     func(path string) string // where the socket is
	anybody    bool                     // needs no cookie
	deaf       bool                     // does not listen to the lifeline
	deafToHost bool                     // goes on when the stream breaks
	anyStart   bool                     // waits for a start
	maxMessage int                      // the largest request, in bytes
	describe   func(*backendv1.DescribeRequest, *backendv1.DescribeResponse) error
	has        func(*backendv1.HasRequest, *backendv1.HasResponse, error) (*backendv1.HasResponse, error)
	export     func(*backendv1.ExportRequest) error // after a good export
	remove     func(*backendv1.RemoveRequest) error
	recovers   func(*backendv1.RecoverRequest) error
	request    func(*build, *backendv1.BuildRequest) bool // changes a request; false keeps it
	step       func(*irv1.ResolvedStep)                   // changes a step before it is built
	event      func(*build, *backendv1.BuildEvent) error  // sends it, or something else
	layer      func([]*entry) []*entry                    // changes a layer
	bytes      func([]byte) []byte                        // changes a blob
}

func (f fault) limit() int {
	if f.maxMessage != 0 {
		return f.maxMessage
	}
	return sdk.MaxMessage
}

// faults are all there are, by name.
var faults = union(processFaults, describeFaults, streamFaults, endFaults, storeFaults, secretFaults, transferFaults, execFaults, layerFaults, wasmFaults)

func union(lists ...map[string]fault) map[string]fault {
	all := map[string]fault{}
	for _, list := range lists {
		maps.Copy(all, list)
	}
	return all
}
