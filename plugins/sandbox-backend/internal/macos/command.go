// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// The variables that a command has beside those of the build.
const (
	rootVariable = "ZLAYER_ROOT"
	tempVariable = "TMPDIR"
)

// check refuses what no command of this driver can have. A host that plans
// asks for none of it.
func check(c driver.Command) error {
	e := c.Exec
	switch {
	case len(e.Argv) == 0 || e.Argv[0] == "":
		return errors.New("the command is empty")
	case len(c.Mounts) > 0:
		return fmt.Errorf("the mount on %q: there are no mounts on macOS", c.Mounts[0].Target)
	case c.UID != 0:
		return fmt.Errorf("the user %q: commands run as the user who builds, who is root in the image", e.User)
	case e.Security == irv1.Security_SECURITY_INSECURE:
		return errors.New("commands with full privileges (--security=insecure) cannot be run in a sandbox")
	case len(e.Devices) > 0:
		return errors.New("devices cannot be given to a command in a sandbox")
	}
	for _, v := range e.Env {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case name == rootVariable:
			return fmt.Errorf("the variable %s is zlayer's own on macOS: it names the folder of the image; call yours otherwise", name)
		case strings.HasPrefix(name, "DYLD_"):
			return fmt.Errorf("macOS takes variables like %s away when a program of the system starts, as sandbox-exec is; set it in the command itself", name)
		}
	}
	return nil
}

// environment is that of the build and what tells a command where it is.
func environment(env []string, root, temp string) []string {
	all := append([]string{}, env...)
	if _, ok := variable(env, tempVariable); !ok {
		all = append(all, tempVariable+"="+temp)
	}
	return append(all, rootVariable+"="+root)
}

// variable returns the value of a variable.
func variable(env []string, name string) (value string, ok bool) {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// workdir finds the working directory in a tree, with all links followed as in
// the image: a link to "/srv" leads to the image's. What of it is missing comes
// after what is there.
func workdir(t *tree.Tree, dir string) (string, error) {
	dir = strings.TrimPrefix(path.Clean(dir), "/")
	if dir == "" {
		dir = "."
	}
	missing := ""
	for {
		found, err := t.Resolve(dir)
		switch {
		case err == nil:
			return path.Join(found, missing), nil
		case !errors.Is(err, fs.ErrNotExist) || dir == ".":
			return "", fmt.Errorf("working directory %q: %w", dir, err)
		}
		if _, err := t.Lstat(dir); err == nil {
			return "", fmt.Errorf("working directory %q: it is a link to nothing", dir)
		}
		dir, missing = path.Dir(dir), path.Join(path.Base(dir), missing)
	}
}

// find says whether a command can be started from a folder, by the rules of
// execvp(3): its name goes to sandbox-exec as it is. An absolute path is one
// of the machine, and never one of the image by guessing. Nil: it can.
func find(name string, env []string, dir, root string) *driver.ExitError {
	if strings.HasPrefix(name, "-") {
		return &driver.ExitError{Code: 126, Reason: fmt.Sprintf("%q begins like an option; write ./%s", name, name)}
	}
	if strings.Contains(name, "/") {
		return executable(name, dir, root)
	}
	search, ok := variable(env, "PATH")
	if !ok {
		search = "/usr/bin:/bin"
	}
	var refused *driver.ExitError
	for _, folder := range strings.Split(search, ":") {
		err := executable(folder+"/"+name, dir, "")
		if folder == "" {
			err = executable("./"+name, dir, "")
		}
		if err == nil {
			return nil
		}
		if err.Code == 126 && refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return refused
	}
	return &driver.ExitError{Code: 127, Reason: fmt.Sprintf("%q is in no folder of PATH on this machine (%s)", name, search)}
}

// executable says whether a path can be executed. With a root, one that is only
// there in the image is explained.
func executable(name, dir, root string) *driver.ExitError {
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	info, err := os.Stat(full)
	switch {
	case err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0:
		return nil
	case err == nil:
		return &driver.ExitError{Code: 126, Reason: fmt.Sprintf("%q cannot be executed", name)}
	}
	reason := fmt.Sprintf("%q does not exist", name)
	if root != "" && filepath.IsAbs(name) {
		reason = fmt.Sprintf("%q does not exist on this machine", name)
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil {
			reason += fmt.Sprintf("; the image's is .%s from the root, or \"$%s%s\" in a shell", name, rootVariable, name)
		}
	}
	return &driver.ExitError{Code: 127, Reason: reason}
}
