// SPDX-License-Identifier: Apache-2.0

// Package config gathers zlayer's settings: flags over ZLAYER_* variables over
// the project's zlayer.yaml over the user's config.yaml over defaults. It
// remembers where each value comes from.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// ProjectFile is the name of a project's settings file. It is looked for in
// the working directory and its parents.
const ProjectFile = "zlayer.yaml"

// Key describes one setting.
type Key struct {
	// Name is the name of the flag and of the YAML key. The variable is
	// ZLAYER_ and the name in capitals, "-" as "_".
	Name string
	// Default is the value when nobody sets it: a string, a bool or a []string.
	// Its type is that of the setting.
	Default any
	// Doc is one line.
	Doc string
	// Private settings cannot come from a project's file: a cloned repository
	// must not choose what runs here or whom to trust.
	Private bool
	// Values are the allowed ones. Empty: any.
	Values []string
	// Separator is what stands between the items of a list in its variable.
	// Empty: that of lists of paths.
	Separator string
}

// Env returns the name of the setting's variable.
func (k Key) Env() string {
	return "ZLAYER_" + strings.ToUpper(strings.ReplaceAll(k.Name, "-", "_"))
}

// Keys returns every setting, in the order of documentation.
func Keys() []Key {
	return []Key{
		{Name: "data-dir", Default: "", Doc: "state folder (images, caches, plugins)", Private: true},
		{Name: "plugin-dir", Default: []string{}, Doc: "more folders of plugins", Private: true},
		{Name: "locked", Default: "ci", Doc: "when plugins must be those of zlayer.lock", Values: []string{"never", "ci", "always"}},
		{Name: "signatures", Default: "off", Doc: "what is demanded of the signatures of installed plugins", Private: true, Values: []string{"off", "warn", "require"}},
		{Name: "trusted-key", Default: []string{}, Doc: "public keys that may sign plugins: FILE, or PATTERN=FILE for some ids", Private: true},
		{Name: "trusted-identity", Default: []string{}, Doc: "identities that may sign plugins: issuer=URL,subject=NAME", Private: true, Separator: ";"},
		{Name: "trusted-root", Default: "", Doc: "file trusted_root.json, who vouches for identities", Private: true},
		{Name: "insecure-registry", Default: []string{}, Doc: "registries reached over http or with an unknown certificate", Private: true, Separator: ","},
		{Name: "backend", Default: "", Doc: "id of the backend to build with"},
		{Name: "prefer-backend", Default: []string{}, Doc: "ids of backends, the preferred one first; the others follow in the order of ids", Separator: ","},
		{Name: "experimental", Default: false, Doc: "allow what a backend calls experimental on this machine", Private: true},
		{Name: "image-format", Default: "oci", Doc: "image format", Values: []string{"oci", "docker"}},
		{Name: "platform", Default: "", Doc: "platform to build for, os/arch[/variant]; commas between several"},
		{Name: "progress", Default: "plain", Doc: "how a build is shown", Values: []string{"plain", "json", "quiet"}},
		{Name: "pull", Default: "missing", Doc: "when base images are fetched", Values: []string{"missing", "newer", "always", "never"}},
		{Name: "severity", Default: "error", Doc: "least severity that makes check fail", Values: []string{"error", "warning", "info"}},
	}
}

// parse turns the text of a variable into a value of the setting's type.
func (k Key) parse(text string) any {
	switch k.Default.(type) {
	case []string:
		return strings.Split(text, cmp.Or(k.Separator, string(os.PathListSeparator)))
	case bool:
		if value, err := strconv.ParseBool(text); err == nil {
			return value
		}
	}
	return text
}

// kind says of which type the setting is.
func (k Key) kind() string { return kind(k.Default) }

// kind says of which type a value is.
func kind(value any) string {
	switch value.(type) {
	case []string, []any:
		return "a list of strings"
	case bool:
		return "true or false"
	}
	return "a string"
}

// Origin says where a value comes from: "default", "environment
// ZLAYER_PULL", "flag --pull" or the path of a file.
type Origin string

// Config is the settings of one run.
type Config struct {
	values  *koanf.Koanf
	origins map[string]Origin
}

// Sources is where settings may come from.
type Sources struct {
	// UserFile is the user's file. It need not exist.
	UserFile string
	// WorkDir is where the search for the project's file begins.
	WorkDir string
	// Environ is the environment, as from os.Environ.
	Environ []string
	// Flags are the parsed flags of the command.
	Flags *pflag.FlagSet
}

// UserFile returns the path of the user's file: $ZLAYER_CONFIG, else
// zlayer/config.yaml in the XDG configuration folder.
func UserFile() (string, error) {
	if path := os.Getenv("ZLAYER_CONFIG"); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding the configuration folder: %w", err)
	}
	return filepath.Join(dir, "zlayer", "config.yaml"), nil
}

// Load reads all sources.
func Load(s Sources) (*Config, error) {
	c := &Config{values: koanf.New("\x00"), origins: map[string]Origin{}}
	if err := c.defaults(); err != nil {
		return nil, err
	}
	if err := c.file(s.UserFile, false); err != nil {
		return nil, err
	}
	if err := c.file(FindProject(s.WorkDir), true); err != nil {
		return nil, err
	}
	if err := c.environment(s.Environ); err != nil {
		return nil, err
	}
	if err := c.flags(s.Flags); err != nil {
		return nil, err
	}
	return c, c.validate()
}

// String returns a value.
func (c *Config) String(name string) string { return c.values.String(name) }

// Bool returns a value that is true or false.
func (c *Config) Bool(name string) bool { return c.values.Bool(name) }

// Strings returns a list value.
func (c *Config) Strings(name string) []string { return c.values.Strings(name) }

// Origin says where a value comes from.
func (c *Config) Origin(name string) Origin { return c.origins[name] }

// merge takes over all values of one source.
func (c *Config) merge(layer *koanf.Koanf, origin func(name string) Origin) error {
	for _, name := range layer.Keys() {
		c.origins[name] = origin(name)
	}
	return c.values.Merge(layer)
}

func (c *Config) defaults() error {
	values := map[string]any{}
	for _, k := range Keys() {
		values[k.Name] = k.Default
	}
	layer := koanf.New("\x00")
	if err := layer.Load(confmap.Provider(values, ""), nil); err != nil {
		return err
	}
	return c.merge(layer, func(string) Origin { return "default" })
}

// file reads a YAML file. A missing one is no error.
func (c *Config) file(path string, project bool) error {
	data, err := os.ReadFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	layer := koanf.New("\x00")
	if err := layer.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
		return fmt.Errorf("reading settings %s: %w", path, err)
	}
	for _, name := range layer.Keys() {
		if err := allowed(name, layer.Get(name), project); err != nil {
			return fmt.Errorf("settings %s: %w", path, err)
		}
	}
	return c.merge(layer, func(string) Origin { return Origin(path) })
}

// allowed says whether a file may set a key to a value.
func allowed(name string, value any, project bool) error {
	keys := Keys()
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return fmt.Errorf("unknown key %q; zlayer config lists the keys", strings.ReplaceAll(name, "\x00", "."))
	}
	if project && keys[i].Private {
		return fmt.Errorf("%q cannot be set by a project; use the flag --%s, %s or your own config.yaml", name, name, keys[i].Env())
	}
	if want := keys[i].kind(); kind(value) != want {
		return fmt.Errorf("%q must be %s", name, want)
	}
	return nil
}

func (c *Config) environment(environ []string) error {
	names := map[string]Key{}
	for _, k := range Keys() {
		names[k.Env()] = k
	}
	layer := koanf.New("\x00")
	provider := env.Provider("\x00", env.Opt{
		Prefix:      "ZLAYER_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			k, known := names[name]
			if !known || value == "" {
				return "", nil
			}
			return k.Name, k.parse(value)
		},
	})
	if err := layer.Load(provider, nil); err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	return c.merge(layer, func(name string) Origin {
		return Origin("environment " + Key{Name: name}.Env())
	})
}

// flags takes the flags that were given and have the name of a setting.
func (c *Config) flags(flags *pflag.FlagSet) error {
	given := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, k := range Keys() {
		if f := flags.Lookup(k.Name); f != nil && f.Changed {
			given.AddFlag(f)
		}
	}
	layer := koanf.New("\x00")
	if err := layer.Load(posflag.Provider(given, "\x00", nil), nil); err != nil {
		return fmt.Errorf("reading flags: %w", err)
	}
	return c.merge(layer, func(name string) Origin { return Origin("flag --" + name) })
}

// validate refuses values of another type and outside a key's list.
func (c *Config) validate() error {
	for _, k := range Keys() {
		if got := c.values.Get(k.Name); kind(got) != k.kind() {
			return fmt.Errorf("%s: %q is not %s (from %s)", k.Name, got, k.kind(), c.Origin(k.Name))
		}
		if v := c.String(k.Name); len(k.Values) > 0 && !slices.Contains(k.Values, v) {
			return fmt.Errorf("%s: %q is not one of %s (from %s)", k.Name, v, strings.Join(k.Values, ", "), c.Origin(k.Name))
		}
	}
	return nil
}

// FindProject returns the path of the nearest ProjectFile in a folder or above
// it, or "".
func FindProject(dir string) string {
	for {
		path := filepath.Join(dir, ProjectFile)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir || dir == "" {
			return ""
		}
		dir = parent
	}
}
