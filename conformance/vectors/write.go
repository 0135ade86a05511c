// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Write writes the vector's files below dir, which exists: those of the build
// context into dir/context, those of "@NAME/…" into dir/NAME. Then it does
// what @setup says. Every file and folder has the time When.
func (c *Container) Write(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "context"), 0o755); err != nil {
		return err
	}
	for _, f := range c.Files {
		if n, _ := round(f.Name); n > 0 {
			continue
		}
		if _, err := writeFile(dir, f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	s := setup{dir: filepath.Join(dir, "context"), times: map[string]time.Time{}, modes: map[string]uint32{}}
	text, _ := c.File("@setup")
	if err := lines(string(text), s.line); err != nil {
		return fmt.Errorf("@setup: %w", err)
	}
	return s.settle(dir)
}

// Change writes the files "@N/…" of a later round, a second newer for each, and
// returns the folders of dir in which something is new.
func (c *Container) Change(dir string, n int) (folders []string, err error) {
	for _, f := range c.Files {
		of, name := round(f.Name)
		if of != n {
			continue
		}
		path, err := writeFile(dir, File{Name: name, Data: f.Data})
		if err == nil {
			err = setTime(filepath.Join(dir, path), When.Add(time.Duration(n-1)*time.Second))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		folder, _, _ := strings.Cut(filepath.ToSlash(path), "/")
		folders = append(folders, folder)
	}
	return folders, nil
}

// round takes a name "@N/NAME" apart; n is 0 for others.
func round(name string) (n int, rest string) {
	number, rest, _ := strings.Cut(strings.TrimPrefix(name, "@"), "/")
	n, err := strconv.Atoi(number)
	if err != nil || name[0] != '@' {
		return 0, name
	}
	return n, rest
}

// writeFile writes one file of the vector, and returns where below dir.
func writeFile(dir string, f File) (path string, err error) {
	name, data := filepath.Join("context", f.Name), f.Data
	if f.Name == "@setup" || f.Name == "@want" {
		return "", nil
	}
	if other, ok := strings.CutPrefix(f.Name, "@"); ok {
		name = other
	}
	if place, ok := strings.CutSuffix(name, ".list"); ok {
		archive, err := Tar(string(data))
		if err != nil {
			return "", err
		}
		if data, err = pack(place, archive); err != nil {
			return "", err
		}
		name = place
	}
	return name, writeAt(filepath.Join(dir, name), data)
}

func writeAt(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	return os.Chmod(path, 0o644)
}

// setup does what @setup says in a build context.
type setup struct {
	dir string
	// times and modes are set when everything is there.
	times map[string]time.Time
	modes map[string]uint32
}

// words is how many words follow each verb.
var words = map[string]int{
	"dir": 1, "file": 2, "base64": 2, "fill": 2, "sparse": 2, "many": 2, "symlink": 2, "hardlink": 2, "fifo": 1, "mode": 2, "xattr": 3, "time": 2,
}

// numbered are the verbs with a number before the name.
var numbered = map[string]bool{"fill": true, "sparse": true, "many": true, "mode": true, "time": true}

func (s *setup) line(w []string) error {
	if n, ok := words[w[0]]; !ok || len(w) != n+1 {
		return fmt.Errorf("unknown verb, or not the right number of words")
	}
	name := w[1]
	if numbered[w[0]] {
		name = w[2]
	}
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch w[0] {
	case "dir":
		return os.MkdirAll(path, 0o755)
	case "file":
		return writeAt(path, []byte(w[2]))
	case "symlink":
		return os.Symlink(w[2], path)
	case "hardlink":
		return os.Link(filepath.Join(s.dir, w[2]), path)
	case "fifo":
		return makeFIFO(path)
	case "xattr":
		return setXattr(path, w[2], w[3])
	case "base64":
		data, err := base64.StdEncoding.DecodeString(w[2])
		if err != nil {
			return err
		}
		return writeAt(path, data)
	}
	return s.counted(w[0], path, w[1])
}

// counted does what takes a number.
func (s *setup) counted(verb, path, text string) error {
	base := 10
	if verb == "mode" {
		base = 8
	}
	n, err := strconv.ParseInt(text, base, 64)
	if err != nil {
		return err
	}
	switch verb {
	case "mode":
		s.modes[path] = uint32(n)
	case "time":
		s.times[path] = time.Unix(n, 0)
	case "fill":
		return writeAt(path, pattern(int(n)))
	case "sparse":
		if err := writeAt(path, nil); err != nil {
			return err
		}
		return os.Truncate(path, n)
	case "many":
		for i := range int(n) {
			if err := writeAt(filepath.Join(path, strconv.Itoa(i)), fmt.Appendln(nil, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pattern returns n bytes of which the i-th is i·i/251, modulo 256.
func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * i / 251)
	}
	return data
}

// settle gives everything below dir its time and mode, whatever the umask of
// this process is; last those that were asked for, since a file may have
// several names.
func (s *setup) settle(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		if err != nil {
			return err
		}
		return setTime(path, When)
	})
	for path, at := range s.times {
		err = errors.Join(err, setTime(path, at))
	}
	for path, mode := range s.modes {
		err = errors.Join(err, syscall.Chmod(path, mode))
	}
	return err
}
