// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// storeFaults are about what is kept.
var storeFaults = map[string]fault{
	"has-everything": {has: func(*backendv1.HasRequest, *backendv1.HasResponse, error) (*backendv1.HasResponse, error) {
		return &backendv1.HasResponse{Present: true}, nil
	}},
	"has-nothing": {has: func(*backendv1.HasRequest, *backendv1.HasResponse, error) (*backendv1.HasResponse, error) {
		return &backendv1.HasResponse{}, nil
	}},
	"has-fails-for-unknown": {has: func(_ *backendv1.HasRequest, res *backendv1.HasResponse, err error) (*backendv1.HasResponse, error) {
		if !res.GetPresent() && err == nil {
			err = errors.New("no such artifact")
		}
		return res, err
	}},
	"export-other-bytes": {export: func(r *backendv1.ExportRequest) error { return eachFile(r, appendByte) }},
	"export-less":        {export: func(r *backendv1.ExportRequest) error { return eachFile(r, os.Remove) }},
	"export-more": {export: func(r *backendv1.ExportRequest) error {
		return os.WriteFile(filepath.Join(r.GetDirectory(), "index.json"), nil, 0o600)
	}},
	"export-outside": {export: func(r *backendv1.ExportRequest) error {
		return os.WriteFile(filepath.Join(filepath.Dir(r.GetDirectory()), "zoo-export"), nil, 0o600)
	}},
	"remove-fails-for-unknown":  {remove: failsTwice[*backendv1.RemoveRequest]()},
	"recover-fails-for-unknown": {recovers: failsTwice[*backendv1.RecoverRequest]()},
}

func eachFile(r *backendv1.ExportRequest, do func(path string) error) error {
	files, err := filepath.Glob(filepath.Join(r.GetDirectory(), "*"))
	for _, f := range files {
		err = errors.Join(err, do(f))
	}
	return err
}

func appendByte(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte{0})
	return errors.Join(err, f.Close())
}

// failsTwice fails at every call but the first.
func failsTwice[R any]() func(R) error {
	calls := 0
	return func(R) error {
		if calls++; calls > 1 {
			return errors.New("not found")
		}
		return nil
	}
}

// secretFaults give a secret away, as soon as the host has told it.
var secretFaults = map[string]fault{
	"secret-in-output": {request: onSecret(func(b *build, secret string) { b.secret.Store(&secret) }), event: func(b *build, e *backendv1.BuildEvent) error {
		if s := b.secret.Load(); s != nil && e.GetOutput() != nil {
			e.GetOutput().Data = append(e.GetOutput().Data, *s...)
		}
		return b.host.Send(e)
	}},
	"secret-in-handle": {request: onSecret(func(b *build, secret string) { b.secret.Store(&secret) }), event: func(b *build, e *backendv1.BuildEvent) error {
		if s := b.secret.Load(); s != nil && e.GetArtifact() != nil {
			e.GetArtifact().Handle += *s
		}
		return b.host.Send(e)
	}},
	"secret-in-state": {request: onSecret(func(b *build, secret string) {
		_ = os.WriteFile(filepath.Join(b.start.GetStateDir(), "remembered"), []byte(secret), 0o600)
	})},
	"secret-in-log":  {request: onSecret(func(_ *build, secret string) { _, _ = os.Stderr.WriteString("got " + secret + "\n") })},
	"secret-in-argv": {request: onSecret(func(_ *build, secret string) { linger(exec.Command("sh", "-c", "sleep 1; sleep 1", secret)) })},
	"secret-in-environment": {request: onSecret(func(_ *build, secret string) {
		c := exec.Command("sh", "-c", "sleep 1; sleep 1")
		c.Env = append(os.Environ(), "TOKEN="+secret)
		linger(c)
	})},
	"secret-withheld": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if a := r.GetAnswer(); a != nil {
			a.Absent, a.Secret = true, nil
		}
		return true
	}},
}

// onSecret does something with each secret, and passes it on.
func onSecret(do func(b *build, secret string)) func(*build, *backendv1.BuildRequest) bool {
	return func(b *build, r *backendv1.BuildRequest) bool {
		if s := r.GetAnswer().GetSecret(); len(s) > 0 {
			do(b, string(s))
		}
		return true
	}
}

// linger starts a process that ends by itself.
func linger(c *exec.Cmd) {
	if c.Start() == nil {
		go func() { _ = c.Wait() }()
	}
}
