// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// codecs are the folders of the codec comparison; the first one is what Go and
// the runner cost by themselves.
var codecs = []string{"empty", "lite", "json", "google"}

// manifestFor claims the one file that the comparison checks.
const manifestFor = `{"schema":1,"id":%q,"kind":"frontend","version":"0.0.0","protocol":{"major":1,"minor":0},
"files":[{"path":"module.wasm","digest":"","role":"main"}],"claims":{"files":["Nothing"]}}`

// frontend builds one of the comparison's frontends and returns its folder.
func frontend(ctx context.Context, dir, name string) (string, error) {
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, "zlayer-plugin.json"), fmt.Appendf(nil, manifestFor, name), 0o600); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(folder, "module.wasm"), "./conformance/bench/codec/"+name)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if err := runQuiet(build); err != nil {
		return "", err
	}
	return folder, runQuiet(exec.CommandContext(ctx, filepath.Join("bin", "zlayer"), "plugin", "seal", folder))
}

// compareCodecs measures what each codec adds to a frontend: bytes, and time
// of a whole check.
func compareCodecs(ctx context.Context, dir string) ([]row, error) {
	nothing := filepath.Join(dir, "Nothing")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		return nil, err
	}
	state := filepath.Join(dir, "state")
	times := map[string][]time.Duration{}
	folders := map[string]string{}
	for _, name := range codecs {
		folder, err := frontend(ctx, dir, name)
		if err != nil {
			return nil, err
		}
		folders[name] = folder
		if err := runQuiet(zlayer(ctx, state, "plugin", "compile", "--plugin-dir", folder)); err != nil {
			return nil, err
		}
	}
	for range rounds {
		for _, name := range codecs {
			t, err := timed(zlayer(ctx, state, "check", nothing, "--plugin-dir", folders[name]))
			if err != nil {
				return nil, err
			}
			times[name] = append(times[name], t)
		}
	}
	floor := median(times["empty"])
	var rows []row
	for _, name := range codecs {
		info, err := os.Stat(filepath.Join(folders[name], "module.wasm"))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{"codec " + name, fmt.Sprintf("%.2f MB, %.1f ms, %.2f×", float64(info.Size())/1e6, ms(median(times[name])), float64(median(times[name]))/float64(floor)), ""})
	}
	return rows, nil
}
