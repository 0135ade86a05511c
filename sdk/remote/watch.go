// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"cmp"
	"context"
	"fmt"
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

// stillness is how many times the patience nothing may be written. Git itself
// notices earlier that a server is silent, but over some protocols only.
const stillness = 5

// watch measures the folder until a command has ended, and once more then.
func (g *clone) watch(ended <-chan struct{}, stop context.CancelCauseFunc) {
	still := stillness * cmp.Or(g.o.Patience, Patience)
	size, grown, pause := int64(0), time.Now(), interval
	for more := true; more; {
		select {
		case <-ended:
			more = false
		case <-time.After(pause):
		}
		begun := time.Now()
		now := sizeOf(g.dir)
		if now != size {
			size, grown = now, begun
		}
		if g.o.Progress != nil {
			g.o.Progress(size, 0)
		}
		switch {
		case g.o.Limit > 0 && size > g.o.Limit:
			stop(&TooLargeError{g.o.Limit})
			return
		case more && time.Since(grown) > still:
			stop(fmt.Errorf("nothing came for %s", still))
			return
		}
		// A large folder is measured less often, so that this is not most of the work.
		pause = max(interval, 9*time.Since(begun))
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
