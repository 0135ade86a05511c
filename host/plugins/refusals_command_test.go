// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// ofCommands are refusals of commands that add nothing.
var ofCommands = []refusal{
	{"update of what is not installed", func(l *lab) error {
		_, err := manager(l, l.config).PlanUpdate(l.Context(), "tool")
		return err
	}},
	{"rollback without a version before", func(l *lab) error {
		m := manager(l, l.config)
		add(l, m, AddOptions{}, frontend("tool", "1.0.0").folder(l))
		_, err := m.PlanRollback(l.Context(), "tool")
		return err
	}},
	{"remove of the bundle", func(l *lab) error {
		l.config.BundleDir = frontend("tool", "1.0.0").folder(l)
		_, err := manager(l, l.config).Remove(l.Context(), "tool")
		return err
	}},
	{"remove of what is not installed", func(l *lab) error {
		_, err := manager(l, l.config).Remove(l.Context(), "tool")
		return err
	}},
	{"info about nothing", func(l *lab) error {
		_, err := manager(l, l.config).Info(l.Context(), "tool")
		return err
	}},
	{"info about a mirror", func(l *lab) error {
		to := filepath.Join(l.dir, "mirror")
		publish(l, to, "", frontend("tool", "1.0.0"), frontend("other", "1.0.0"))
		_, err := manager(l, l.config).Info(l.Context(), to)
		return err
	}},
	{"publish to a full folder", func(l *lab) error {
		write(l, filepath.Join(l.dir, "notes"), "")
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, l.dir, PublishOptions{})
		return err
	}},
	{"publish to a URL", func(l *lab) error {
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, l.web.URL, PublishOptions{})
		return err
	}},
	{"publish into a plugin's archive", func(l *lab) error {
		to := write(l, filepath.Join(l.dir, "tool.tar"), string(pack(l, frontend("tool", "1.0.0").folder(l))))
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, to, PublishOptions{})
		return err
	}},
	{"publish where nothing can be made", func(l *lab) error {
		to := filepath.Join(write(l, filepath.Join(l.dir, "file"), ""), "tool.tar")
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, to, PublishOptions{})
		return err
	}},
	{"publish of two plugins", func(l *lab) error {
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l), frontend("tool", "1.1.0").folder(l)}, l.at(), PublishOptions{})
		return err
	}},
	{"publish of half a plugin", func(l *lab) error {
		dir := backend("acme.example/tool", "1.0.0", store.Platform(), elsewhere).folder(l)
		ok(l, os.Remove(filepath.Join(dir, "other-cpu")))
		_, err := manager(l, l.config).Publish(l.Context(), []string{dir}, l.at(), PublishOptions{})
		return err
	}},
	{"publish with another key", func(l *lab) error {
		_, public := keyPair(l, "acme")
		_, err := manager(l, l.config).Publish(l.Context(), []string{frontend("tool", "1.0.0").folder(l)}, l.at(), PublishOptions{Key: public})
		return err
	}},
	{"mirror to a registry", func(l *lab) error {
		_, err := manager(l, l.config).Mirror(l.Context(), l.at(), frontend("tool", "1.0.0").folder(l))
		return err
	}},
	{"mirror of nothing", func(l *lab) error {
		_, err := manager(l, l.config).Mirror(l.Context(), filepath.Join(l.dir, "mirror"))
		return err
	}},
	{"mirror of a folder that changed", func(l *lab) error {
		dir := frontend("tool", "1.0.0").folder(l)
		m := manager(l, l.config)
		add(l, m, AddOptions{}, dir)
		write(l, filepath.Join(dir, manifest.FileName), frontend("tool", "1.1.0").raw(l))
		_, err := m.Mirror(l.Context(), filepath.Join(l.dir, "mirror"))
		return err
	}},
}
