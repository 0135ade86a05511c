// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	d := "sha256:" + strings.Repeat("0", 64)
	for in, want := range map[string]string{
		"debian":                      "docker.io/library/debian:latest",
		"debian:12":                   "docker.io/library/debian:12",
		"team/app":                    "docker.io/team/app:latest",
		"docker.io/debian":            "docker.io/library/debian:latest",
		"index.docker.io/library/x:1": "docker.io/library/x:1",
		"localhost/app":               "localhost/app:latest",
		"localhost:5000/app":          "localhost:5000/app:latest",
		"[::1]:5000/app":              "[::1]:5000/app:latest",
		"r.example/a/b:1@" + d:        "r.example/a/b@" + d,
	} {
		if got, err := Normalize(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:80": true, "127.0.0.1:5000": true, "127.8.0.1": true, "[::1]:5000": true, "x.localhost": true,
		"10.0.0.1:5000": false, "localhost.example": false, "127.0.0.1.example:80": false, "registry.local": false,
	} {
		if got := loopback(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestMalformedReferences(t *testing.T) {
	c := New(Options{})
	for _, ref := range []string{"", "UPPER", "a b", "x@sha256:12", "x@sha512:" + strings.Repeat("0", 128)} {
		_, err := Normalize(ref)
		wantKind(t, err, KindReference)
		_, err = c.Dial(ref)
		wantKind(t, err, KindReference)
	}
	s, err := c.Dial("r.example/app")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"", "a b", "x/y", "../z", "1.0+x", "sha256:12"} {
		_, err := s.At(tag)
		wantKind(t, err, KindReference)
	}
	if other, err := s.At("2"); err != nil || other.Ref().String() != "r.example/app:2" || s.Ref().String() != "r.example/app" {
		t.Errorf("another tag: %v, %v", other, err)
	}
}
