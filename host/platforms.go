// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// buildPlatform is that of this machine. Images are for Linux whatever the
// machine; a backend says whether it can run their commands.
func buildPlatform() *irv1.Platform {
	return &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}
}

// normal returns the request with every platform once, as messages spell it.
func (r Request) normal() (Request, error) {
	var all []string
	for _, text := range r.Platforms {
		p, err := ir.ParsePlatform(text, buildPlatform())
		if err != nil {
			return r, &InputError{
				Message: "the build cannot be for this platform",
				Help:    "write os/arch or os/arch/variant, such as linux/arm64, with commas between several", Err: err,
			}
		}
		if name := ir.FormatPlatform(p); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	r.Platforms = all
	return r, nil
}

// several says whether the result is a manifest list.
func (r Request) several() bool { return len(r.Platforms) > 1 }

// each returns a request for each platform; one that names none is its own.
func (r Request) each() []Request {
	if !r.several() {
		return []Request{r}
	}
	var all []Request
	for _, p := range r.Platforms {
		one := r
		one.Platforms = []string{p}
		all = append(all, one)
	}
	return all
}

// platforms lists the platforms for messages.
func (r Request) platforms() string { return strings.Join(r.Platforms, ", ") }

// checkListed refuses outputs that hold one image where there will be several.
func (r Request) checkListed() error {
	if !r.several() {
		return nil
	}
	for _, o := range r.Outputs {
		switch o.Type {
		case OutputDocker:
			return &InputError{
				Message: "output type=docker (--load): docker load reads an image for one platform, and this build is for " + r.platforms(),
				Help:    "build for one platform to load it, or push the result and pull it there",
			}
		case OutputDockerArchive:
			return &InputError{
				Message: fmt.Sprintf("output %s: docker-archive is for docker load, which reads an image for one platform, and this build is for %s", o.Path, r.platforms()),
				Help:    "write type=oci-archive, which holds them all, or build for one platform",
			}
		}
	}
	return nil
}
