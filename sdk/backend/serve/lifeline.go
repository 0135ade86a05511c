// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lifeline is the read end of a pipe that the host holds open while it lives.
// Nil when the host gave none.
type lifeline struct{ file *os.File }

func openLifeline(fd string) (*lifeline, error) {
	if fd == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(fd, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%s=%q is no file descriptor", LifelineEnv, fd)
	}
	// Programs that the backend runs need not know it.
	closeOnExec(n)
	if err := os.Unsetenv(LifelineEnv); err != nil {
		return nil, err
	}
	return &lifeline{file: os.NewFile(uintptr(n), "lifeline")}, nil
}

// wait returns when the host is dead. Without a lifeline it never does.
func (l *lifeline) wait() {
	if l == nil {
		select {}
	}
	// The host writes nothing; whatever ends the pipe, the host is gone.
	_, _ = io.Copy(io.Discard, l.file)
}

// removeSocket removes the socket and its folder, which a dead host cannot.
// The folder is the one go-plugin's host made for this process alone. Where the
// temporary files of the process are in it too, they go; when anything else is
// in it, it stays.
func removeSocket(dir string) {
	if dir == "" {
		return
	}
	// Not RemoveAll of the folder: it opens the one above, and may not.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	mine := os.Getenv("TMPDIR") == dir
	for _, e := range entries {
		if mine || strings.HasPrefix(e.Name(), "plugin") && e.Type() == os.ModeSocket {
			_ = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	_ = os.Remove(dir)
}
