// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"strings"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/source"
)

// AddOptions say how plugins are added.
type AddOptions struct {
	// From is a source with several plugins, such as a mirror. What is added
	// are then ids, each perhaps with "@version"; none means all it has.
	From string
	// Replace lets a plugin take the place of one with the same id that came
	// from somewhere else, or with zlayer.
	Replace bool
	// Collide lets a frontend claim what another one claims as well.
	Collide bool
}

// PlanAdd says what adding plugins would change.
func (m *Manager) PlanAdd(ctx context.Context, sources []string, o AddOptions) (*Plan, error) {
	p, err := m.newPlan(ctx)
	if err != nil {
		return nil, err
	}
	if o.From != "" {
		err = p.addFrom(ctx, sources, o)
	} else {
		err = p.addEach(ctx, sources, o)
	}
	if err == nil {
		err = p.distinct(o)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// addEach adds what each source has.
func (p *Plan) addEach(ctx context.Context, sources []string, o AddOptions) error {
	for _, text := range sources {
		opened, err := p.open(ctx, text)
		if err != nil {
			return err
		}
		if err := p.addAll(ctx, opened, text, o); err != nil {
			return err
		}
	}
	return nil
}

// addAll adds every plugin of a source.
func (p *Plan) addAll(ctx context.Context, opened source.Source, text string, o AddOptions) error {
	ids := opened.IDs()
	if ids == nil {
		ids = []string{""}
	}
	for _, id := range ids {
		if err := p.addOne(ctx, opened, text, id, source.Want{}, o); err != nil {
			return err
		}
	}
	return nil
}

// addFrom adds chosen plugins of one source.
func (p *Plan) addFrom(ctx context.Context, wanted []string, o AddOptions) error {
	opened, err := p.open(ctx, o.From)
	if err != nil {
		return err
	}
	if len(wanted) == 0 {
		return p.addAll(ctx, opened, o.From, o)
	}
	for _, text := range wanted {
		id, version, _ := strings.Cut(text, "@")
		if err := p.addOne(ctx, opened, o.From, id, source.Want{Version: version}, o); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) addOne(ctx context.Context, opened source.Source, text, id string, w source.Want, o AddOptions) error {
	release, err := opened.Release(ctx, id, w)
	if err != nil {
		return explain(err, id, text)
	}
	change, err := p.manager.change(release, o)
	if err != nil {
		return err
	}
	change.current = true
	p.Changes = append(p.Changes, change)
	return nil
}

// distinct refuses two releases of one plugin, and frontends that collide.
func (p *Plan) distinct(o AddOptions) error {
	for i, c := range p.Changes {
		for _, other := range p.Changes[:i] {
			if other.ID == c.ID {
				return &host.PluginError{
					ID: c.ID, Fault: host.Refused,
					Message: "it was named twice: " + other.Source + " and " + c.Source,
					Help:    "name only one of them",
				}
			}
			if err := collide(c.release.Manifest, other.release.Manifest, "add only one of them"); err != nil && !o.Collide {
				return err
			}
		}
	}
	return nil
}
