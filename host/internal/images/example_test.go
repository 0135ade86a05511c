// SPDX-License-Identifier: Apache-2.0

package images_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Example makes an image without layers, gives it a name and finds it again.
func Example() {
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := images.Open(dir, registry.New(registry.Options{}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	platform := &irv1.Platform{Os: "linux", Architecture: "arm64"}
	image, err := store.Assemble(ctx, images.Build{Container: &irv1.ResolvedContainer{Stages: []*irv1.ResolvedStage{{
		Base:     &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH},
		Platform: platform,
		Config:   &irv1.ImageConfig{Env: []string{"GREETING=hello"}},
	}}}})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Tag(ctx, image.Digest, "greeting:1"); err != nil {
		log.Fatal(err)
	}
	found, err := store.Resolve(ctx, images.Request{Reference: "greeting:1", Platform: platform, Policy: images.PolicyNever})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Reference, found.Config.Env)
	// Output: docker.io/library/greeting:1 [GREETING=hello]
}
