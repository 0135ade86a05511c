// SPDX-License-Identifier: Apache-2.0

package store

import "fmt"

// Pins is what a project's lock file says. The zero value is no lock file.
type Pins struct {
	// File is the path of the lock file.
	File string
	// List has a pin for each plugin.
	List []Pin
	// Strict says that nothing but what is pinned, and the bundle, may be used.
	Strict bool
}

// Pin is one plugin of a lock file.
type Pin struct {
	// ID and Version are the plugin's.
	ID, Version string
	// Digest is that of its manifest.
	Digest string
}

// of returns the pin of a plugin, or nil.
func (p Pins) of(id string) *Pin {
	for i := range p.List {
		if p.List[i].ID == id {
			return &p.List[i]
		}
	}
	return nil
}

// Drifts returns where plugins and the project's lock file differ.
func (s *Set) Drifts() []*DriftError { return s.drifts }

// compare finds drift. Where the pins are strict, it is a problem of the
// plugin.
func (s *Set) compare(pins Pins) {
	if pins.File == "" {
		return
	}
	for _, pin := range pins.List {
		p := s.Get(pin.ID)
		if p == nil || p.Manifest == nil || p.Digest != pin.Digest {
			s.drift(pins, p, missing(pins, pin, p))
		}
	}
	for _, p := range s.list {
		if p.Problem == nil && p.Origin != Bundle && pins.of(p.ID) == nil && pins.Strict {
			s.drift(pins, p, unpinned(pins, p))
		}
	}
}

func (s *Set) drift(pins Pins, p *Plugin, e *DriftError) {
	s.drifts = append(s.drifts, e)
	if pins.Strict && p != nil && p.Problem == nil {
		p.Problem = e
	}
}

// missing is the drift of a pin that nothing fits.
func missing(pins Pins, pin Pin, p *Plugin) *DriftError {
	e := &DriftError{ID: pin.ID, Lock: pins.File, Pinned: true}
	if p == nil {
		e.Message = fmt.Sprintf("%s pins %s %s, which is not installed", pins.File, pin.ID, pin.Version)
		e.Help = "zlayer plugin add --locked installs it"
		return e
	}
	have := "another one"
	if p.Manifest != nil {
		have = p.Manifest.Version
	}
	e.Message = fmt.Sprintf("%s pins %s %s with digest %s, and %s with digest %s would be used, from %s",
		pins.File, pin.ID, pin.Version, pin.Digest, have, p.Digest, p.Dir)
	e.Help = "zlayer plugin add --locked installs what is pinned; zlayer plugin lock " + pin.ID + " accepts what is there"
	return e
}

// unpinned is the drift of a plugin that the lock file does not know.
func unpinned(pins Pins, p *Plugin) *DriftError {
	return &DriftError{
		ID: p.ID, Lock: pins.File,
		Message: fmt.Sprintf("%s does not pin it, and only what is pinned may be used", pins.File),
		Help:    "zlayer plugin lock " + p.ID + " accepts it",
	}
}
