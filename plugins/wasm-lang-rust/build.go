// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// The steps of a build, in order.
const (
	stepVersion = iota
	stepMetadata
	stepBuild
)

var stepNames = [...]string{stepVersion: "rustc --version", stepMetadata: "cargo metadata", stepBuild: "cargo build"}

// build is one running build.
type build struct {
	*backendv1.Start
	job     backend.Job
	project *project
	rust    rust
	local   map[string]bool // the names of the project's packages
	self    string          // this executable
}

// run makes the module and keeps it.
func (b *build) run(ctx context.Context, machine rust) (*backendv1.Artifact, error) {
	var err error
	if b.local, err = checkManifests(b.project.source); err != nil {
		return nil, err
	}
	if err := b.step(stepVersion).Do(ctx, func(ctx context.Context) error { return b.choose(ctx, machine) }); err != nil {
		return nil, err
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("finding this executable: %w", err)
	}
	var chosen program
	if err := b.step(stepMetadata).Do(ctx, func(ctx context.Context) (err error) {
		chosen, err = b.program(ctx)
		return err
	}); err != nil {
		return nil, err
	}
	return b.step(stepBuild).Make(ctx, b.Start, func(ctx context.Context, dir string) (string, error) {
		return b.make(ctx, chosen, dir)
	})
}

// make compiles the program and returns the file of its module, in dir: what
// cargo has made stays where it is for the next build.
func (b *build) make(ctx context.Context, chosen program, dir string) (string, error) {
	if b.GetNoCache() {
		b.project.target = filepath.Join(dir, "target")
	}
	made, err := b.compile(ctx, chosen)
	if err != nil {
		return "", err
	}
	module := filepath.Join(dir, "main.wasm")
	if err := copyFile(made, module, 0o600); err != nil {
		return "", fmt.Errorf("taking the module: %w", err)
	}
	return module, nil
}

func (b *build) step(n uint32) toolchain.Step {
	return toolchain.Step{Job: b.job, Number: n, Name: stepNames[n]}
}

// choose finds the toolchain of the project, which a rust-toolchain.toml names
// where rustup is used. One that is not the machine's is reported under a name
// of its own: the host can only compare the machine's.
func (b *build) choose(ctx context.Context, machine rust) (err error) {
	if b.rust, err = findRust(ctx, b.project.source); err != nil {
		return err
	}
	b.step(stepVersion).Show(false)([]byte(b.rust.version + "\n"))
	name := language
	if b.rust.identity != machine.identity {
		name = language + " of the project"
	}
	b.job.InputRead("tool", name, b.rust.identity)
	for _, key := range []string{rustcVariable, flagsVariable} {
		sum := sha256.Sum256([]byte(os.Getenv(key)))
		b.job.InputRead("env", key, "sha256:"+hex.EncodeToString(sum[:]))
	}
	return nil
}

// environ is the environment of cargo. What the build needs goes behind what
// the user set: the last one counts.
func (b *build) environ() []string {
	home := cargoHome(b.GetStateDir())
	env := append(toolchain.Environ(passed...), "CARGO_INCREMENTAL=0", "CARGO_TERM_PROGRESS_WHEN=never")
	env = append(env, ir.WasmOption(b.GetBuild().GetWasm(), ir.WasmBuildArgs)...)
	env = append(env,
		"CARGO_HOME="+home, "CARGO_TERM_COLOR=never", "CARGO_TARGET_DIR="+b.project.target,
		"RUSTC="+b.rust.rustc, "RUSTC_WRAPPER="+b.self,
		remapVariable+"="+strings.Join([]string{home + "=/cargo", b.project.source + "=.", b.project.target + "=/target"}, remapSeparator),
	)
	if b.SourceDateEpoch != nil {
		env = append(env, "SOURCE_DATE_EPOCH="+strconv.FormatInt(b.GetSourceDateEpoch(), 10))
	}
	return env
}

// cargoHome is the user's, or one in the state folder for a user without.
func cargoHome(stateDir string) string {
	if home := os.Getenv("CARGO_HOME"); home != "" {
		return home
	}
	if home := os.Getenv("HOME"); home != "" {
		return filepath.Join(home, ".cargo")
	}
	return filepath.Join(stateDir, "cargo-home")
}

// cargo is one run of cargo in the project.
func (b *build) cargo(args ...string) toolchain.Command {
	return toolchain.Command{Path: b.rust.cargo, Args: args, Dir: b.project.source, Env: b.environ(), Temp: b.GetTempDir()}
}

// compile builds the program and returns the file that cargo says it made.
func (b *build) compile(ctx context.Context, p program) (string, error) {
	if err := b.forget(); err != nil {
		return "", err
	}
	args := []string{
		"build", "--message-format=json", "--target=" + target, "--profile=" + b.profile(),
		"--package=" + p.pkg.ID, "--bin=" + p.name,
	}
	if features := ir.WasmOption(b.GetBuild().GetWasm(), ir.WasmFeatures); len(features) > 0 {
		args = append(args, "--features="+strings.Join(features, ","))
	}
	if toolchain.Option(b.Start, ir.WasmDefaultFeatures) == "false" {
		args = append(args, "--no-default-features")
	}
	locked := b.hasLock()
	if locked {
		args = append(args, "--locked")
	}
	r := &report{project: b.project, step: b.step(stepBuild), program: p}
	c := b.cargo(args...)
	c.Stdout, c.Stderr = r.message, r.line
	if err := r.outcome(toolchain.Run(ctx, c)); err != nil {
		return "", err
	}
	if r.executable == "" {
		return "", fmt.Errorf("%s made no module and said nothing", stepNames[stepBuild])
	}
	if !locked {
		r.warnUnlocked()
	}
	return r.executable, nil
}

// profile is cargo's name of the profile.
func (b *build) profile() string {
	switch name := cmp.Or(toolchain.Option(b.Start, ir.WasmProfile), "release"); name {
	case "debug":
		return "dev"
	default:
		return name
	}
}

func (b *build) hasLock() bool {
	_, err := os.Stat(filepath.Join(b.project.source, "Cargo.lock"))
	return err == nil
}

// fingerprint is the name of what cargo notes of a package it has compiled.
var fingerprint = regexp.MustCompile(`^(.+)-[0-9a-f]{16}$`)

// forget makes cargo compile the project's own packages again. It would look at
// the times of files, which say nothing when an older file takes the place of a
// newer one. What comes from registries never changes and is kept.
func (b *build) forget() error {
	for _, pattern := range []string{filepath.Join("*", ".fingerprint"), filepath.Join("*", "*", ".fingerprint")} {
		folders, _ := filepath.Glob(filepath.Join(b.project.target, pattern))
		for _, dir := range folders {
			if err := forgetIn(dir, b.local); err != nil {
				return err
			}
		}
	}
	return nil
}

func forgetIn(dir string, local map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for what cargo keeps: %w", err)
	}
	for _, e := range entries {
		if m := fingerprint.FindStringSubmatch(e.Name()); m != nil && local[m[1]] {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("removing what cargo keeps: %w", err)
			}
		}
	}
	return nil
}
