// SPDX-License-Identifier: Apache-2.0

// Package vectors reads the test cases of the conformance suite, which are
// plain files. README.md describes their form for readers in other languages;
// this package is one reader.
package vectors

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed container/*.txtar base/*.txt
var embedded embed.FS

// Container is one build of a container image.
type Container struct {
	Vector
	// Args are build arguments, "NAME=VALUE", in order.
	Args []string
	// Target is the stage to build. Empty: the last one.
	Target string
	// Platform is what to build for. Empty: this machine's.
	Platform string
	// Secrets are the secrets' values by id.
	Secrets map[string]string
	// Images are the named contexts that are images: references by name.
	Images map[string]string
	// Epoch is SOURCE_DATE_EPOCH. Nil when not set.
	Epoch *int64
	// Rounds is how often it is built, in one state folder, with the build
	// argument ROUND 1, 2, …; the last result counts. At least 1.
	Rounds int
	// Fails says how the last build fails. Nil: it does not.
	Fails *Failure
}

// Failure is how a build has to fail.
type Failure struct {
	// Class is "source" when the build file, the files it names or a command
	// are to blame, and "unsupported" when nothing here can build it.
	Class string
	// Line is where, in the Dockerfile. 0: anywhere.
	Line int
	// Exit is the exit code of the command that failed; 0 when none did.
	Exit int
}

// Containers returns the container builds of this project, sorted by name.
func Containers() ([]*Container, error) { return ReadContainers(embedded) }

// ReadContainers returns the container builds in the folder "container" of a
// file system, sorted by name. None is no error.
func ReadContainers(fsys fs.FS) ([]*Container, error) {
	return read(fsys, "container", ParseContainer)
}

// ParseContainer reads one container build. A header it does not know is an
// error.
func ParseContainer(name string, data []byte) (*Container, error) {
	c := &Container{Rounds: 1, Secrets: map[string]string{}, Images: map[string]string{}}
	v, err := parse(name, data, c.header)
	if err != nil {
		return nil, err
	}
	if c.Vector = v; v.Expect != "ok" {
		if c.Fails, err = parseFailure(v.Expect); err != nil {
			return nil, fmt.Errorf("expect: %w", err)
		}
	}
	if _, ok := c.File("Dockerfile"); !ok {
		return nil, fmt.Errorf("there is no Dockerfile")
	}
	return c, nil
}

func (c *Container) header(key, value string) (known bool, err error) {
	name, text, _ := strings.Cut(value, "=")
	switch key {
	case "arg":
		c.Args = append(c.Args, value)
	case "target":
		c.Target = value
	case "platform":
		c.Platform = value
	case "secret":
		c.Secrets[name] = text
	case "image":
		c.Images[name] = text
	case "rounds":
		c.Rounds, err = strconv.Atoi(value)
	case "epoch":
		var seconds int64
		seconds, err = strconv.ParseInt(value, 10, 64)
		c.Epoch = &seconds
	default:
		return false, nil
	}
	return true, err
}

// parseFailure reads "CLASS [line N] [exit N]".
func parseFailure(text string) (*Failure, error) {
	words := strings.Fields(text)
	if len(words)%2 != 1 || words[0] != "source" && words[0] != "unsupported" {
		return nil, fmt.Errorf("want ok; or source or unsupported, then line N and exit N")
	}
	f := &Failure{Class: words[0]}
	for i := 1; i < len(words); i += 2 {
		n, err := strconv.Atoi(words[i+1])
		switch {
		case err != nil:
			return nil, err
		case words[i] == "line":
			f.Line = n
		case words[i] == "exit":
			f.Exit = n
		default:
			return nil, fmt.Errorf("unknown word %q", words[i])
		}
	}
	return f, nil
}

// Layers returns the layers of the base image, lowest first, as uncompressed
// tars. The base has the busybox of the machine, a static program at path.
func Layers(busybox string) ([][]byte, error) {
	names, err := fs.Glob(embedded, "base/*.txt")
	if err != nil {
		return nil, err
	}
	var layers [][]byte
	for _, name := range names {
		list, err := embedded.ReadFile(name)
		if err != nil {
			return nil, err
		}
		data, err := Tar(strings.ReplaceAll(string(list), "$BUSYBOX", busybox))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		layers = append(layers, data)
	}
	return layers, nil
}
