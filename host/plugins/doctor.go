// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/confine"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Severity says how bad a Finding is.
type Severity string

// The severities.
const (
	// Bad is what keeps something from working.
	Bad Severity = "error"
	// Doubtful is what works, but perhaps not as meant.
	Doubtful Severity = "warning"
	// Worth is what is good to know.
	Worth Severity = "note"
)

// Finding is something that Doctor found.
type Finding struct {
	// Severity is how bad it is.
	Severity Severity `json:"severity"`
	// Plugin is the plugin it is about. Empty when it is about none.
	Plugin string `json:"plugin,omitempty"`
	// Message is what was found, Help what to do. Help may be empty.
	Message string `json:"message"`
	Help    string `json:"help,omitempty"`
}

// Doctor looks for all that is wrong with plugins and their state, the worst
// first. It changes nothing and runs nothing.
func (m *Manager) Doctor(ctx context.Context) ([]Finding, error) {
	d := &doctor{manager: m, found: []Finding{}}
	d.state()
	d.trust()
	set, err := m.find(true)
	if err != nil {
		d.say(Bad, "", err.Error(), "remove or repair the file that is named")
		return d.found, ctx.Err()
	}
	for _, look := range []func(*store.Set){d.plugins, d.drifts, d.collisions, d.confinement} {
		look(set)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	order := []Severity{Bad, Doubtful, Worth}
	slices.SortStableFunc(d.found, func(a, b Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	return d.found, nil
}

// doctor collects findings.
type doctor struct {
	manager *Manager
	found   []Finding
}

func (d *doctor) say(s Severity, plugin, message, help string) {
	d.found = append(d.found, Finding{s, plugin, message, help})
}

// state looks at the state folder.
func (d *doctor) state() {
	dir := d.manager.config.DataDir
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		d.say(Worth, "", "the state folder "+dir+" is not there yet", "the first command that needs it makes it")
		return
	}
	if err != nil {
		d.say(Bad, "", "the state folder cannot be used: "+err.Error(), "check its permissions, or choose another with --data-dir")
		return
	}
	if !info.IsDir() {
		d.say(Bad, "", dir+" is not a folder, and should be the state folder", "choose another with --data-dir")
		return
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 { // there, modes say nothing
		d.say(Bad, "", fmt.Sprintf("others can write to the state folder %s (mode %#o)", dir, info.Mode().Perm()), "chmod go-w "+dir)
	}
	if probe, err := os.MkdirTemp(dir, ".doctor-"); err != nil {
		d.say(Doubtful, "", "the state folder cannot be written: "+err.Error(), "plugins that are there work; to install any, check its permissions and the free space")
	} else {
		_ = os.Remove(probe)
	}
	d.strays()
}

// strays looks for folders among the installed plugins that nobody installed.
func (d *doctor) strays() {
	dir := filepath.Join(d.manager.config.DataDir, "plugins")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // nothing was ever installed
	}
	for _, e := range entries {
		if e.IsDir() && !store.Owns(e.Name()) {
			path := filepath.Join(dir, e.Name())
			d.say(Doubtful, "", path+" was not installed by zlayer and is not looked at", "zlayer plugin add "+path+" installs it; --plugin-dir names a folder of plugins")
		}
	}
}

// trust looks at the settings about signatures.
func (d *doctor) trust() {
	_, err := trust.Open(d.manager.trust())
	if err != nil {
		d.say(Bad, "", err.Error(), "correct the setting; zlayer config shows where it comes from")
	}
}

// plugins looks at each plugin.
func (d *doctor) plugins(set *store.Set) {
	view, err := d.manager.newView()
	if err != nil {
		return // trust has said why
	}
	defer view.close()
	for _, p := range set.All() {
		var shadowed *store.ShadowedError
		if errors.As(p.Problem, &shadowed) {
			d.say(Worth, p.ID, p.Dir+" is not used: "+shadowed.Error(), "")
			continue
		}
		if v := view.verify(p); v.Fault == host.Drifted {
			continue // drifts says so
		} else if v.Problem != "" {
			d.say(Bad, p.ID, v.Problem, v.Help)
			continue
		}
		d.working(view, p)
	}
}

// working looks at a plugin that can be used.
func (d *doctor) working(view *view, p *store.Plugin) {
	shown := view.of(p)
	if ahead := p.Manifest.Ahead(); ahead != "" {
		d.say(Worth, p.ID, ahead, "update zlayer to use it")
	}
	switch {
	case p.Record == nil:
	case p.Record.Development:
		d.say(Worth, p.ID, "it is a development install of "+p.Record.Source, "")
	case len(p.Record.Bundles) == 0 && d.manager.policy == trust.Warn:
		d.say(Doubtful, p.ID, "nobody has signed it", "ask its author; the setting signatures says what is demanded")
	}
	if shown.Compiled != nil && !*shown.Compiled {
		d.say(Worth, p.ID, "it is not compiled, so its first check is slower", "zlayer plugin compile")
	}
	d.tools(p)
}

// tools looks for the programs that a backend runs.
func (d *doctor) tools(p *store.Plugin) {
	if p.Manifest.Permissions == nil {
		return
	}
	var missing []string
	for _, tool := range p.Manifest.Permissions.Tools {
		if !onPath(d.manager.config.Environ, tool) {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		d.say(Worth, p.ID, "not on PATH, of the programs that it may run: "+strings.Join(missing, ", "), "install them where builds need them")
	}
}

// onPath says whether a program is on the PATH of an environment.
func onPath(environ []string, tool string) bool {
	for _, kv := range environ {
		path, found := strings.CutPrefix(kv, "PATH=")
		for _, dir := range filepath.SplitList(path) {
			info, err := os.Stat(filepath.Join(dir, tool))
			if found && err == nil && info.Mode()&0o111 != 0 {
				return true
			}
		}
	}
	return false
}

// drifts compares with the lock file.
func (d *doctor) drifts(set *store.Set) {
	severity := Doubtful
	if d.manager.config.Locked {
		severity = Bad
	}
	for _, drift := range set.Drifts() {
		d.say(severity, drift.ID, drift.Message, drift.Help)
	}
}

// collisions looks for frontends that claim the same with the same priority.
func (d *doctor) collisions(set *store.Set) {
	var usable []*store.Plugin
	for _, p := range set.All() {
		if p.Problem == nil && p.Manifest.Kind == manifest.Frontend {
			usable = append(usable, p)
		}
	}
	for i, a := range usable {
		for _, b := range usable[i+1:] {
			if claim, ok := overlap(a.Manifest.Claims, b.Manifest.Claims); ok {
				d.say(Doubtful, b.ID, fmt.Sprintf("it claims %q with the same priority as %s, which is used for it", claim, a.ID), "remove one of them, or choose with a \"# syntax=\" line")
			}
		}
	}
}

// confinement says what holds backends to their permissions.
func (d *doctor) confinement(set *store.Set) {
	if _, why := confine.Available(); why != "" {
		d.say(Doubtful, "", "this system cannot confine backends: "+why, "only install backends that you trust as any other program")
	}
	for _, p := range set.Backends() {
		if p.Problem == nil && p.Manifest.Permissions != nil && slices.Contains(p.Manifest.Permissions.Privileges, "mount") {
			d.say(Worth, p.ID, "unconfined: needs mount", "")
		}
	}
}
