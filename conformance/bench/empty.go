// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// emptyProgram is the least a frontend written in Go can be: it reads the
// request and writes a response that never changes, without any package of
// ours. What it costs is what Go and the runner cost.
const emptyProgram = `package main

import (
	"io"
	"os"
)

func main() {
	_, _ = os.Stdin.Read(make([]byte, 64<<10))
	_, _ = os.Stdout.Write([]byte(%q))
	_, _ = io.Copy(io.Discard, os.Stdin)
}
`

// emptyResponse answers the first request with the smallest build there is,
// behind its length.
func emptyResponse() ([]byte, error) {
	at := &diagv1.Range{Line: 1, Column: 1, ColumnUtf16: 1, EndLine: 1, EndColumn: 1, EndColumnUtf16: 1}
	build := &irv1.Build{Files: []string{"Nothing"}, Kind: &irv1.Build_Wasm{Wasm: &irv1.Wasm{Range: at}}}
	build.Features = ir.SourceFeatures(build)
	response := &frontendv1.Response{Id: 1, Result: &frontendv1.Response_Parse{Parse: &frontendv1.ParseResponse{Build: build}}}
	data, err := response.MarshalVT()
	return append(binary.AppendUvarint(nil, uint64(len(data))), data...), err
}

// emptyManifest claims the one file it is called for.
const emptyManifest = `{"schema":1,"id":"empty","kind":"frontend","version":"0.0.0","protocol":{"major":1,"minor":0},
"files":[{"path":"empty.wasm","digest":"","role":"main"}],"claims":{"files":["Nothing"]}}`

// emptyFrontend builds it and returns its folder.
func emptyFrontend(ctx context.Context, dir string) (string, error) {
	folder := filepath.Join(dir, "empty")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	response, err := emptyResponse()
	if err != nil {
		return "", err
	}
	for name, text := range map[string]string{"main.go": fmt.Sprintf(emptyProgram, response), "go.mod": "module empty\n\ngo 1.26\n", "zlayer-plugin.json": emptyManifest} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "empty.wasm", ".")
	build.Dir = folder
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the empty frontend: %w\n%s", err, out)
	}
	seal := exec.CommandContext(ctx, filepath.Join("bin", "zlayer"), "plugin", "seal", folder)
	if out, err := seal.CombinedOutput(); err != nil {
		return "", fmt.Errorf("sealing the empty frontend: %w\n%s", err, out)
	}
	return folder, nil
}
