// SPDX-License-Identifier: Apache-2.0

package host_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
)

// bundle is the folder of plugins that "make build" fills.
const bundle = "../bin/plugins"

// A program that checks a build file. No backend is started and no network is
// used.
func ExampleHost_Check() {
	dataDir, err := os.MkdirTemp("", "zlayer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dataDir)
	h, err := host.Open(host.Config{DataDir: dataDir, BundleDir: bundle})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()

	source := host.Source{Name: "Dockerfile", Content: []byte("FROM scratch\nCOPPY app /\nEXPOSE http\n")}
	checked, err := h.Check(context.Background(), source)
	if err != nil {
		log.Fatal(err)
	}
	if err := diag.Print(os.Stdout, checked.Files, checked.Diagnostics); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Dockerfile:2:1: error: unknown instruction "COPPY" [unknown-instruction]
	//   2 | COPPY app /
	//     | ^~~~~
	//   help: did you mean COPY?
	// Dockerfile:3:8: error: the port "http" is no number from 0 to 65535 [invalid-port]
	//   3 | EXPOSE http
	//     |        ^~~~
}

// A program that shows what a backend would get: every word expanded, the
// image's configuration computed.
func ExampleHost_Resolve() {
	dataDir, err := os.MkdirTemp("", "zlayer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dataDir)
	h, err := host.Open(host.Config{DataDir: dataDir, BundleDir: bundle})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()

	resolved, err := h.Resolve(context.Background(), host.Request{
		Source: host.Source{Name: "Dockerfile", Content: []byte("FROM scratch\nARG PORT=80\nEXPOSE $PORT\nCMD [\"/app\"]\n")},
		Args:   []host.Arg{{Name: "PORT", Value: "8080"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	config := resolved.Build.GetContainer().GetStages()[0].GetConfig()
	fmt.Println(config.GetExposedPorts(), config.GetCmd())
	// Output: [8080/tcp] [/app]
}

// A program that builds an image, names it and writes it to an archive. It
// needs what the chosen backend needs, such as the right to mount.
func ExampleHost_Build() {
	h, err := host.Open(host.Config{DataDir: "/var/lib/zlayer", BundleDir: bundle, Environ: os.Environ()})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()

	path, err := h.Discover(".")
	if err != nil {
		log.Fatal(err)
	}
	source, err := host.ReadSource(path)
	if err != nil {
		log.Fatal(err)
	}
	result, err := h.Build(context.Background(), host.Request{
		Source:  source,
		Context: host.Context{Folder: "."},
		Tags:    []string{"registry.example/team/app:1"},
		Outputs: []host.Output{{Type: host.OutputOCIArchive, Path: "app.tar"}},
		Events: func(e host.Event) {
			if e.Type == host.EventStepStarted {
				fmt.Println(e.Stage, e.Step, e.Name)
			}
		},
	})
	var mistakes *host.SourceError
	var failed *host.StepError
	switch {
	case errors.As(err, &mistakes):
		_ = diag.Print(os.Stderr, mistakes.Files, mistakes.Diagnostics)
	case errors.As(err, &failed):
		fmt.Printf("%s\nit ended with %d\n", failed.Output, failed.ExitCode)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println(result.Digest)
	}
}
