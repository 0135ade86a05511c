// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// transferFaults forget something of COPY, ADD or WORKDIR.
var transferFaults = map[string]fault{
	"copy-without-exclude":  {step: onTransfer(func(t *irv1.Transfer) { t.Exclude = nil })},
	"copy-without-parents":  {step: onTransfer(func(t *irv1.Transfer) { t.Parents = false })},
	"copy-without-chmod":    {step: onTransfer(func(t *irv1.Transfer) { t.Chmod = "" })},
	"copy-without-chown":    {step: onTransfer(func(t *irv1.Transfer) { t.Chown = "" })},
	"copy-chown-no-group":   {step: onTransfer(func(t *irv1.Transfer) { t.Chown, _, _ = strings.Cut(t.GetChown(), ":") })},
	"copy-one-source":       {step: onTransfer(func(t *irv1.Transfer) { t.Sources = t.Sources[:min(1, len(t.Sources))] })},
	"copy-inline-trimmed":   {step: onTransfer(trimInline)},
	"copy-destination-name": {step: onTransfer(func(t *irv1.Transfer) { t.Destination = strings.TrimSuffix(t.GetDestination(), "/") })},
	"add-without-checksum":  {step: onTransfer(func(t *irv1.Transfer) { t.Checksum = "" })},
	"add-without-git":       {step: onTransfer(func(t *irv1.Transfer) { t.KeepGitDir = false })},
	"add-without-unpack":    {step: onTransfer(func(t *irv1.Transfer) { t.Unpack = 0 })},
	"add-as-copy":           {step: onTransfer(addAsCopy)},
	"copy-as-add":           {step: onTransfer(func(t *irv1.Transfer) { t.Add = true })},
	"workdir-of-root":       {step: onMakeDir(func(m *irv1.MakeDir) { m.Owner = "" })},
	"workdir-not-made": {step: func(s *irv1.ResolvedStep) {
		if s.GetMakeDir() != nil {
			s.Op = &irv1.ResolvedStep_Metadata{Metadata: &irv1.Metadata{}}
		}
	}},
}

// addAsCopy makes ADD of local files a COPY.
func addAsCopy(t *irv1.Transfer) {
	remote := func(s string) bool { return strings.Contains(s, "://") }
	if t.GetUnpack() == 0 && t.GetChecksum() == "" && !slices.ContainsFunc(t.GetSources(), remote) {
		t.Add = false
	}
}

func trimInline(t *irv1.Transfer) {
	for _, f := range t.GetInline() {
		f.Content = []byte(strings.TrimSpace(string(f.GetContent())))
	}
}

func onTransfer(change func(*irv1.Transfer)) func(*irv1.ResolvedStep) {
	return func(s *irv1.ResolvedStep) {
		if t := s.GetTransfer(); t != nil {
			change(t)
		}
	}
}

func onMakeDir(change func(*irv1.MakeDir)) func(*irv1.ResolvedStep) {
	return func(s *irv1.ResolvedStep) {
		if m := s.GetMakeDir(); m != nil {
			change(m)
		}
	}
}

// execFaults forget something of RUN.
var execFaults = map[string]fault{
	"run-as-root":          {step: onExec(func(e *irv1.Exec) { e.User = "" })},
	"run-in-root-folder":   {step: onExec(func(e *irv1.Exec) { e.Workdir = "/" })},
	"run-without-env":      {step: onExec(func(e *irv1.Exec) { e.Env = keepPath(e.Env) })},
	"run-with-more-env":    {step: onExec(func(e *irv1.Exec) { e.Env = append(e.Env, "ZOO=1") })},
	"run-with-network":     {step: onExec(func(e *irv1.Exec) { e.Network = 0 })},
	"run-script-of-shell":  {step: onExec(trimScript)},
	"run-in-another-shell": {step: onExec(func(e *irv1.Exec) { e.Argv = slices.Insert(e.Argv, 0, "/bin/sh", "-c", `"$@"`, "sh") })},
	"run-without-bind":     {step: withoutMount(irv1.MountKind_MOUNT_KIND_BIND)},
	"run-without-cache":    {step: withoutMount(irv1.MountKind_MOUNT_KIND_CACHE)},
	"run-without-tmpfs":    {step: withoutMount(irv1.MountKind_MOUNT_KIND_TMPFS)},
	"run-without-secret":   {step: withoutMount(irv1.MountKind_MOUNT_KIND_SECRET)},
	"run-cache-is-one": {step: onMount(func(m *irv1.ResolvedMount) {
		m.Id = strings.TrimRight(m.GetId(), "0123456789abcdefghijklmnopqrstuvwxyz/.-")
	})},
	"run-cache-not-seeded": {step: onMount(func(m *irv1.ResolvedMount) {
		if m.GetKind() == irv1.MountKind_MOUNT_KIND_CACHE {
			m.From, m.Source = nil, ""
		}
	})},
	"run-mounts-writable":     {step: onMount(func(m *irv1.ResolvedMount) { m.Readonly = false })},
	"run-mounts-of-root":      {step: onMount(func(m *irv1.ResolvedMount) { m.Uid, m.Gid = 0, 0 })},
	"run-mounts-of-one-mode":  {step: onMount(func(m *irv1.ResolvedMount) { m.Mode = 0o777 })},
	"run-secret-not-required": {step: onMount(func(m *irv1.ResolvedMount) { m.Required = false })},
	"run-secret-no-variable": {step: onMount(func(m *irv1.ResolvedMount) {
		if m.GetTarget() != "" {
			m.Env = ""
		}
	})},
}

// trimScript loses the interpreter of a script.
func trimScript(e *irv1.Exec) {
	if len(e.GetScript()) > 0 {
		e.Script = append([]byte("#!/bin/sh"), e.GetScript()[max(0, bytes.IndexByte(e.GetScript(), '\n')):]...)
	}
}

func keepPath(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return !strings.HasPrefix(kv, "PATH=") })
}

func onExec(change func(*irv1.Exec)) func(*irv1.ResolvedStep) {
	return func(s *irv1.ResolvedStep) {
		if e := s.GetExec(); e != nil {
			change(e)
		}
	}
}

func onMount(change func(*irv1.ResolvedMount)) func(*irv1.ResolvedStep) {
	return onExec(func(e *irv1.Exec) {
		for _, m := range e.GetMounts() {
			change(m)
		}
	})
}

func withoutMount(kind irv1.MountKind) func(*irv1.ResolvedStep) {
	return onExec(func(e *irv1.Exec) {
		e.Mounts = slices.DeleteFunc(e.Mounts, func(m *irv1.ResolvedMount) bool { return m.GetKind() == kind })
	})
}
