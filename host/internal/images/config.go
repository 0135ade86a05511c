// SPDX-License-Identifier: Apache-2.0

package images

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// configFile is an image configuration (image-spec, config.md, and Docker's
// image spec v1.2). It is the library's type with the one field more that
// Docker has: a health check's StartInterval. The outer fields hide the inner
// ones of the same JSON name.
type configFile struct {
	v1.ConfigFile
	Config runConfig `json:"config"`
}

type runConfig struct {
	v1.Config
	Healthcheck *healthConfig `json:"Healthcheck,omitempty"`
}

type healthConfig struct {
	v1.HealthConfig
	StartInterval time.Duration `json:",omitempty"`
}

func parseConfig(raw []byte) (*configFile, error) {
	var f configFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("reading image configuration: %w", err)
	}
	return &f, nil
}

// imageConfig returns the part of a configuration that the IR has.
func imageConfig(f *configFile) *irv1.ImageConfig {
	c := &f.Config
	return &irv1.ImageConfig{
		User:         c.User,
		Env:          c.Env,
		Entrypoint:   c.Entrypoint,
		Cmd:          c.Cmd,
		WorkingDir:   c.WorkingDir,
		Labels:       keyValues(c.Labels),
		ExposedPorts: keys(c.ExposedPorts),
		Volumes:      keys(c.Volumes),
		StopSignal:   c.StopSignal,
		Healthcheck:  healthcheck(c.Healthcheck),
		Onbuild:      c.OnBuild,
		Shell:        c.Shell,
		Author:       f.Author,
	}
}

func healthcheck(h *healthConfig) *irv1.ImageHealthcheck {
	if h == nil {
		return nil
	}
	return &irv1.ImageHealthcheck{
		Test:          h.Test,
		Interval:      int64(h.Interval),
		Timeout:       int64(h.Timeout),
		StartPeriod:   int64(h.StartPeriod),
		StartInterval: int64(h.StartInterval),
		Retries:       int32(h.Retries),
	}
}

// setImageConfig puts the IR's part into a configuration and keeps the rest.
func setImageConfig(f *configFile, c *irv1.ImageConfig) {
	f.Author = c.GetAuthor()
	r := &f.Config
	r.User = c.GetUser()
	r.Env = c.GetEnv()
	r.Entrypoint = c.GetEntrypoint()
	r.Cmd = c.GetCmd()
	r.WorkingDir = c.GetWorkingDir()
	r.Labels = stringMap(c.GetLabels())
	r.ExposedPorts = set(c.GetExposedPorts())
	r.Volumes = set(c.GetVolumes())
	r.StopSignal = c.GetStopSignal()
	r.Healthcheck = healthFields(c.GetHealthcheck())
	r.OnBuild = c.GetOnbuild()
	r.Shell = c.GetShell()
}

func healthFields(h *irv1.ImageHealthcheck) *healthConfig {
	if h == nil {
		return nil
	}
	return &healthConfig{
		HealthConfig: v1.HealthConfig{
			Test:        h.GetTest(),
			Interval:    time.Duration(h.GetInterval()),
			Timeout:     time.Duration(h.GetTimeout()),
			StartPeriod: time.Duration(h.GetStartPeriod()),
			Retries:     int(h.GetRetries()),
		},
		StartInterval: time.Duration(h.GetStartInterval()),
	}
}

// inherit returns the start of a configuration for an image on a base: what
// says something about the files and the platform, and not what says something
// about the container the base was made in.
func inherit(base *configFile) *configFile {
	f := &configFile{ConfigFile: v1.ConfigFile{
		OSVersion:  base.OSVersion,
		OSFeatures: slices.Clone(base.OSFeatures),
		History:    slices.Clone(base.History),
		RootFS:     v1.RootFS{Type: "layers", DiffIDs: append([]v1.Hash{}, base.RootFS.DiffIDs...)},
	}}
	f.Config.ArgsEscaped = base.Config.ArgsEscaped
	return f
}

func keyValues(m map[string]string) []*irv1.KeyValue {
	var kvs []*irv1.KeyValue
	for _, k := range slices.Sorted(maps.Keys(m)) {
		kvs = append(kvs, &irv1.KeyValue{Key: k, Value: m[k]})
	}
	return kvs
}

func stringMap(kvs []*irv1.KeyValue) map[string]string {
	if len(kvs) == 0 {
		return nil
	}
	m := make(map[string]string, len(kvs))
	for _, kv := range kvs {
		m[kv.GetKey()] = kv.GetValue()
	}
	return m
}

func keys(m map[string]struct{}) []string { return slices.Sorted(maps.Keys(m)) }

func set(items []string) map[string]struct{} {
	if len(items) == 0 {
		return nil
	}
	m := make(map[string]struct{}, len(items))
	for _, k := range items {
		m[k] = struct{}{}
	}
	return m
}
