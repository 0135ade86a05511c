// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// watched runs a command of git that writes what others made, and stops it when
// that is too much.
func (g *clone) watched(args ...string) error {
	ctx, stop := context.WithCancelCause(g.ctx)
	defer stop(nil)
	watching := *g
	watching.ctx = ctx
	ended := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { watching.watch(ended, stop) })
	_, err := watching.run(args...)
	close(ended)
	watcher.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watch measures the folder until a command has ended, and once more then.
func (g *clone) watch(ended <-chan struct{}, stop context.CancelCauseFunc) {
	if g.o.Limit == 0 && g.o.Progress == nil {
		return
	}
	for more := true; more; {
		begun := time.Now()
		select {
		case <-ended:
			more = false
		case <-time.After(interval):
		}
		size := sizeOf(g.dir)
		if g.o.Progress != nil {
			g.o.Progress(size, 0)
		}
		if g.o.Limit > 0 && size > g.o.Limit {
			stop(&TooLargeError{g.o.Limit})
			return
		}
		// Of a large folder less often, so that this is not most of the work.
		if pause := 9 * (time.Since(begun) - interval); more && pause > 0 {
			select {
			case <-ended:
			case <-time.After(pause):
			}
		}
	}
}

// sizeOf is how many bytes the files of a folder have. What vanishes meanwhile
// has none.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}
