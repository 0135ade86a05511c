// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// artifact records the layers above the target's external base, and with them
// those of the other stages.
func (w *work) artifact() (*backendv1.Artifact, error) {
	target := w.stages[len(w.stages)-1].end
	a := &backendv1.Artifact{}
	var record state.Artifact
	for _, p := range target.layers() {
		a.Blobs = append(a.Blobs, &backendv1.Blob{Digest: p.made.Layer, Size: p.made.Size, Ref: p.ref})
		record.Blobs = append(record.Blobs, p.made)
	}
	for _, s := range w.stages {
		for _, p := range s.end.layers() {
			if !slices.Contains(record.Blobs, p.made) {
				record.Others = append(record.Others, p.made.Layer)
			}
		}
	}
	slices.Sort(record.Others)
	record.Others = slices.Compact(record.Others)
	a.Handle = record.Handle()
	return a, w.State.Record(record)
}
