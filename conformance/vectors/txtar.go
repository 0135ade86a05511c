// SPDX-License-Identifier: Apache-2.0

package vectors

import "strings"

// File is a file of a vector.
type File struct {
	// Name is its name, which may begin with "@" and a special word.
	Name string
	// Data is its content.
	Data []byte
}

// unpack reads the txtar format: a comment, then files, each after a line
// "-- NAME --". A last line without a newline is given one.
func unpack(text string) (comment string, files []File) {
	var current strings.Builder
	end := func() {
		if len(files) == 0 {
			comment = current.String()
		} else {
			files[len(files)-1].Data = []byte(current.String())
		}
		current.Reset()
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name := marker(line); name != "" {
			end()
			files = append(files, File{Name: name})
			continue
		}
		current.WriteString(line + "\n")
	}
	end()
	return comment, files
}

// marker returns the name in a line "-- NAME --", else nothing.
func marker(line string) string {
	name, begins := strings.CutPrefix(line, "-- ")
	name, ends := strings.CutSuffix(name, " --")
	if !begins || !ends {
		return ""
	}
	return strings.TrimSpace(name)
}
