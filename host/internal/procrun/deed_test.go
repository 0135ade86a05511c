// SPDX-License-Identifier: Apache-2.0

//go:build unix

package procrun

import (
	"net"
	"os"
	"path/filepath"
	"strings"
)

// deed does what the id of a job asks for, and says how it went.
func deed(job string) (handle string, ok bool) {
	what, path, ok := strings.Cut(job, " ")
	if !ok {
		return "", false
	}
	var err error
	switch what {
	case "read":
		_, err = os.ReadFile(path)
	case "write":
		err = os.WriteFile(filepath.Join(os.ExpandEnv(path), "written"), []byte("x"), 0o600)
	case "connect":
		var c net.Conn
		if c, err = net.Dial("tcp", path); err == nil {
			c.Close()
		}
	case "temp":
		return os.TempDir(), true
	default:
		return "", false
	}
	if err != nil {
		return err.Error(), true
	}
	return "done", true
}
