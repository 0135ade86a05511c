// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/lockfile"
)

// others is a state folder that several processes change, and what they add.
type others struct {
	*testing.T
	dir, lock string
	// sources is one for each plugin, "tool0" and so on.
	sources []string
}

// change adds, updates, locks and removes a plugin, and adds it again. Others
// may have removed it meanwhile.
func (o *others) change(n int) {
	m := manager(o, host.Config{DataDir: o.dir})
	id, source := fmt.Sprintf("tool%d", n), o.sources[n]
	check := func(what string, err error) {
		if err != nil && (what == "add" || !absent(err)) {
			o.Errorf("%s %s: %v", what, id, err)
		}
	}
	for _, version := range []string{":1.0.0", ":1.1.0"} {
		check("add", try(o, m, AddOptions{}, source+version))
		p, err := m.PlanUpdate(o.Context(), id)
		if err == nil {
			err = p.Apply(o.Context(), nil)
			p.Close()
		}
		check("update", err)
		_, err = m.Lock(o.Context(), o.lock, id)
		check("lock", err)
		_, err = m.Remove(o.Context(), id)
		check("remove", err)
	}
	check("add", try(o, m, AddOptions{}, source))
}

// read looks at the plugins until there is nothing more to come.
func (o *others) read(done <-chan struct{}) {
	m := manager(o, host.Config{DataDir: o.dir})
	for {
		list, err := m.List()
		if err != nil {
			o.Errorf("list: %v", err)
		}
		for _, p := range list {
			if p.Problem != "" {
				o.Errorf("%s cannot be used: %s", p.ID, p.Problem)
			}
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// Any number of processes may change one state folder at once, and others read
// it meanwhile.
func TestSeveralAtOnce(t *testing.T) {
	o := &others{T: t, dir: t.TempDir(), lock: filepath.Join(t.TempDir(), LockName)}
	r := oci(t)
	for i := range 3 {
		id := fmt.Sprintf("tool%d", i)
		o.sources = append(o.sources, r.host+"/acme/"+id)
		publish(t, o.sources[i], "", frontend(id, "1.0.0"), frontend(id, "1.1.0"))
	}
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() { o.read(done) })
	}
	for i := range 6 {
		writers.Go(func() { o.change(i % 3) })
	}
	writers.Wait()
	close(done)
	readers.Wait()
	for i := range 3 {
		writers.Go(func() {
			if _, err := manager(t, host.Config{DataDir: o.dir}).Lock(t.Context(), o.lock, fmt.Sprintf("tool%d", i)); err != nil {
				t.Errorf("lock: %v", err)
			}
		})
	}
	writers.Wait()
	m := manager(t, host.Config{DataDir: o.dir})
	if got := installed(t, m); got != "tool0 1.1.0, tool1 1.1.0, tool2 1.1.0" {
		t.Errorf("installed %s", got)
	}
	whole(t, m)
	if pins := must(lockfile.Read(o.lock)).Plugins; len(pins) != 3 {
		t.Errorf("pins: %+v", pins)
	}
	if left := tree(t, filepath.Join(o.dir, "plugins", ".incoming")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// However an install is interrupted, what was there stays, and nothing else is
// left.
func TestInterrupted(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/tool"
	publish(t, at, "", frontend("tool", "1.0.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, at)
	publish(t, at, "", frontend("tool", "2.0.0"))
	for point := 1; ; point++ {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		r.breaks(func(http.ResponseWriter, *http.Request) bool {
			if n++; n == point {
				cancel()
			}
			return false
		})
		p, err := m.PlanAdd(ctx, []string{at}, AddOptions{})
		if err == nil {
			err = p.Apply(ctx, nil)
			p.Close()
		}
		cancel()
		left := tree(t, filepath.Join(m.config.DataDir, "plugins", ".incoming"))
		if len(left) > 0 {
			t.Errorf("point %d: left behind %q", point, left)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || installed(t, m) != "tool 1.0.0" {
			t.Errorf("point %d: %v, installed %s", point, err, installed(t, m))
		}
	}
	if installed(t, m) != "tool 2.0.0" {
		t.Errorf("installed %s", installed(t, m))
	}
}
