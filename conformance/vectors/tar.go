// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"time"
)

// When is the time of every file that a vector gives no other.
var When = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// types are the words for the kinds of entries. "copy" is a file whose text
// names a file of this machine.
var types = map[string]byte{
	"dir": tar.TypeDir, "file": tar.TypeReg, "copy": tar.TypeReg, "symlink": tar.TypeSymlink, "hardlink": tar.TypeLink,
	"fifo": tar.TypeFifo, "char": tar.TypeChar,
}

// Tar makes an uncompressed tar of a list, one entry a line:
//
//	TYPE MODE UID:GID NAME [TEXT] [XATTR=VALUE]...
//
// TEXT is the content of a file, the target of a link or the "major,minor" of
// a device; a dir and a fifo have none.
func Tar(list string) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := lines(list, func(words []string) error {
		h, content, err := entry(words)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = w.Close() // which writes the end
	return buf.Bytes(), err
}

func entry(words []string) (*tar.Header, []byte, error) {
	if len(words) < 4 || types[words[0]] == 0 {
		return nil, nil, fmt.Errorf("want TYPE MODE UID:GID NAME")
	}
	var n number
	uid, gid, _ := strings.Cut(words[2], ":")
	h := &tar.Header{
		Format: tar.FormatPAX, Typeflag: types[words[0]], Name: words[3], ModTime: When,
		Mode: n.parse(words[1], 8), Uid: int(n.parse(uid, 10)), Gid: int(n.parse(gid, 10)),
	}
	rest := words[4:]
	var content []byte
	if h.Typeflag != tar.TypeDir && h.Typeflag != tar.TypeFifo {
		if len(rest) == 0 {
			return nil, nil, fmt.Errorf("a %s needs a text", words[0])
		}
		var err error
		if content, err = fill(h, words[0], rest[0], &n); err != nil {
			return nil, nil, err
		}
		rest = rest[1:]
	}
	for _, attribute := range rest {
		key, value, _ := strings.Cut(attribute, "=")
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+key] = value
	}
	return h, content, n.err
}

// fill puts an entry's text where it belongs, and returns the content.
func fill(h *tar.Header, kind, text string, n *number) (content []byte, err error) {
	switch kind {
	case "symlink", "hardlink":
		h.Linkname = text
	case "char":
		major, minor, _ := strings.Cut(text, ",")
		h.Devmajor, h.Devminor = n.parse(major, 10), n.parse(minor, 10)
	case "copy":
		content, err = os.ReadFile(text)
	default:
		content = []byte(text)
	}
	h.Size = int64(len(content))
	return content, err
}

// pack compresses a tar as the ending of its name says.
func pack(name string, data []byte) ([]byte, error) {
	if !strings.HasSuffix(name, ".tgz") && !strings.HasSuffix(name, ".tar.gz") {
		return data, nil
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err := w.Close()
	return buf.Bytes(), err
}
