// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/cli"
	"github.com/zlayer/zlayer/cmd/zlayer/internal/config"
)

// What the README's tables promise is what there is: exit codes, settings,
// events and commands.
func TestReadme(t *testing.T) {
	readme := readText(t, "../../README.md")
	for _, want := range promises(t) {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md does not say %q", want)
		}
	}
}

// promises returns the beginning of a table's row for each thing.
func promises(t *testing.T) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^  (\d+) +(.*)$`).FindAllStringSubmatch(zlayer(t, "help", "exit-codes"), -1) {
		text := strings.ReplaceAll(m[2], "check, findings that reach --severity", "`check`, findings that reach `--severity`")
		list = append(list, "| "+m[1]+" | "+text+" |")
	}
	for _, k := range config.Keys() {
		mark := ""
		if k.Private {
			mark = " *"
		}
		list = append(list, "| `"+k.Name+"`"+mark+" |")
	}
	for _, m := range regexp.MustCompile(`EventType = "(.*)"`).FindAllStringSubmatch(readText(t, "../../host/event.go"), -1) {
		list = append(list, "| `"+m[1]+"` |")
	}
	_, commands, _ := strings.Cut(zlayer(t, "--help"), "Available Commands:\n")
	commands, _, _ = strings.Cut(commands, "\n\n")
	for line := range strings.Lines(commands) {
		list = append(list, "`"+strings.Fields(line)[0])
	}
	return list
}

// zlayer runs a command in this process and returns what it prints.
func zlayer(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	if code := cli.Main(t.Context(), cli.Process{Args: args, Stdout: &out, Stderr: &out}); code != 0 {
		t.Fatalf("zlayer %s ended with %d: %s", strings.Join(args, " "), code, out.String())
	}
	return out.String()
}

// readText reads a file of the tree.
func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
