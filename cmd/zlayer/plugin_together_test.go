// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// TestPluginsTogether has many processes work with the plugins of one state
// folder. What each needs is there whatever the others do, so none fails.
func TestPluginsTogether(t *testing.T) {
	const rounds = 6
	s, registry := newBoxes(t), servePlugins(t)
	s.zlayer("plugin", "publish", s.plugin("sandbox-backend", box), registry.at("box"))
	s.zlayer("plugin", "publish", s.plugin("dockerfile", named("example.com/guest", "Guestfile")), registry.at("guest"))
	s.zlayer("plugin", "publish", s.plugin("zimagefile", named("example.com/twin", "Twinfile")), registry.at("twin"))
	s.zlayer("plugin", "add", "--yes", registry.at("box"), s.plugin("dockerfile", boxfile))
	s.zlayer("plugin", "publish", s.plugin("sandbox-backend", box, at("1.1.0"), needing("~/.boxrc")), registry.at("box"))
	context, boxes := boxContext(t), &work{sandbox: s}
	boxes.keep("add and remove", rounds, func(int) [][]string {
		return [][]string{{"plugin", "add", "--yes", registry.at("guest")}, {"plugin", "remove", "example.com/guest"}}
	})
	boxes.keep("update and roll back", rounds, func(int) [][]string {
		return [][]string{{"plugin", "update", "--yes", boxID}, {"plugin", "rollback", boxID}}
	})
	for i := range 2 {
		boxes.keep("add what somebody else adds too", 2, func(int) [][]string {
			return [][]string{{"plugin", "add", "--yes", registry.at("twin")}}
		})
		boxes.keep("build", rounds, func(round int) [][]string {
			return [][]string{{"build", "--backend", boxID, "--build-arg", fmt.Sprintf("BUILD=%d.%d", i, round), context}}
		})
	}
	boxes.keep("check", rounds, func(int) [][]string { return [][]string{{"check", filepath.Join(context, "Boxfile")}} })
	boxes.keep("look", rounds, func(int) [][]string {
		return [][]string{{"plugin", "list", "--format", "json"}, {"plugin", "verify"}, {"plugin", "doctor"}}
	})
	boxes.Wait()
	for id, want := range map[string]string{boxID: "1.0.0", boxfileID: "1.0.0", "example.com/twin": "1.0.0", "example.com/guest": ""} {
		if got := s.installed()[id]; got.Version != want || got.Problem != "" {
			t.Errorf("%s: %+v, want version %q", id, got, want)
		}
	}
	if left := watch(s).leftOnShelf(); left != "" {
		t.Errorf("there is still:\n%s", left)
	}
}

// work is what several do at once in a sandbox.
type work struct {
	*sandbox
	sync.WaitGroup
}

// keep has somebody do the same commands again and again.
func (w *work) keep(what string, rounds int, commands func(round int) [][]string) {
	w.Go(func() {
		for round := range rounds {
			for _, args := range commands(round) {
				if said, err := w.said(args...); err != nil {
					w.t.Errorf("%s, round %d: zlayer %v: %v\n%s", what, round, args, err, said)
				}
			}
		}
	})
}
