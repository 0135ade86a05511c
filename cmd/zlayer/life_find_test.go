// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// output is what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns what was printed.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a process of the machine.
type process struct {
	pid, parent   int
	args, environ string
	// first says that it is process 1 of a PID namespace below ours.
	first bool
}

func (p process) String() string { return fmt.Sprintf("%d (of %d): %s", p.pid, p.parent, p.args) }

// allProcesses lists the processes that we may look at. Zombies, which are
// nothing but a number, do not count.
func allProcesses() []process {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var list []process
	for _, dir := range dirs {
		p := process{args: text(dir, "cmdline"), environ: text(dir, "environ")}
		zombie := false
		for line := range strings.Lines(text(dir, "status")) {
			fields := strings.Fields(line)
			switch fields[0] {
			case "State:":
				zombie = fields[1] == "Z" || fields[1] == "X"
			case "Pid:":
				p.pid, _ = strconv.Atoi(fields[1])
			case "PPid:":
				p.parent, _ = strconv.Atoi(fields[1])
			case "NSpid:":
				p.first = len(fields) > 2 && fields[len(fields)-1] == "1"
			}
		}
		if p.pid != 0 && !zombie {
			list = append(list, p)
		}
	}
	return list
}

// text reads a file of /proc; "" when the process is gone or another's.
func text(elem ...string) string {
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return string(bytes.ReplaceAll(bytes.TrimRight(data, "\x00"), []byte{0}, []byte{' '}))
}

// linesWith returns the lines of a file with one of the words in them.
func linesWith(t *testing.T, file, prefix string, words ...string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(data)) {
		for _, word := range words {
			if strings.Contains(line, word) {
				found = append(found, prefix+strings.TrimSpace(line))
				break
			}
		}
	}
	return found
}

// under lists a folder.
func under(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	return found
}

// drafts lists what is unfinished in a layer store: drafts, incomplete layers,
// and folders that belong to no layer.
func drafts(t *testing.T, storage string) []string {
	t.Helper()
	var layers []struct {
		ID    string
		Names []string
		Flags map[string]any
	}
	data, err := os.ReadFile(filepath.Join(storage, "overlay-layers", "layers.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &layers); err != nil {
		t.Fatal(err)
	}
	var left []string
	known := map[string]bool{}
	for _, l := range layers {
		known[l.ID] = true
		if len(l.Names) > 0 || l.Flags["incomplete"] != nil {
			left = append(left, fmt.Sprintf("layer %s %q %v", l.ID, l.Names, l.Flags))
		}
	}
	for _, dir := range under(filepath.Join(storage, "overlay")) {
		if name := filepath.Base(dir); len(name) == 64 && !known[name] {
			left = append(left, dir)
		}
	}
	return append(left, under(filepath.Join(storage, "overlay", "tempdirs"))...)
}

// leftLayers lists what sandbox-backend has unfinished in a state folder.
func leftLayers(data string) []string {
	return under(filepath.Join(data, "backends", "sandbox-backend", "tmp"))
}
