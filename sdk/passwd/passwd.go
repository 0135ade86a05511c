// SPDX-License-Identifier: Apache-2.0

// Package passwd finds out who USER, RUN and COPY --chown mean: it looks up the
// users and groups of an image in the image's own /etc/passwd and /etc/group,
// never in those of the machine.
//
// The files are passwd(5) and group(5). What in them is malformed is passed
// over, and a missing file is an empty one.
package passwd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Open opens a file of the image, following links inside the image. The name is
// "etc/passwd" or "etc/group"; the error for a missing one is an
// fs.ErrNotExist.
type Open func(name string) (io.ReadCloser, error)

// User is who a command runs as.
type User struct {
	// UID and GID are the user's ids.
	UID, GID uint32
	// Groups are the supplementary groups, sorted. None when a group was
	// named.
	Groups []uint32
	// Home is the home directory; "/" for a user without an entry.
	Home string
}

// Lookup finds the user of USER: "name|uid[:group|gid]", empty for root. A
// number needs no entry; a user without one has group 0. The error for a name
// that is not there says so, for people.
func Lookup(open Open, spec string) (User, error) {
	name, group, hasGroup := strings.Cut(spec, ":")
	if name == "" {
		name = "0"
	}
	u, err := findUser(open, name)
	if err != nil {
		return User{}, err
	}
	if hasGroup && group != "" {
		u.Groups = nil
		u.GID, err = findGroup(open, group)
	}
	return u, err
}

// Owner finds the owner of COPY --chown. It differs from Lookup in that a
// number without a group also is the group: "5" is 5:5.
func Owner(open Open, spec string) (uid, gid uint32, err error) {
	name, group, hasGroup := strings.Cut(spec, ":")
	if n, err := id(name); err == nil && (!hasGroup || group == "") {
		return n, n, nil
	}
	if n, err := id(name); err == nil {
		gid, err = findGroup(open, group)
		return n, gid, err
	}
	u, err := Lookup(open, spec)
	return u.UID, u.GID, err
}

func id(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

func findUser(open Open, name string) (User, error) {
	number, notNumber := id(name)
	u := User{UID: number, Home: "/"}
	login := ""
	err := each(open, "etc/passwd", func(f []string) bool {
		if len(f) < 6 || f[0] != name && (notNumber != nil || f[2] != name) {
			return false
		}
		uid, err1 := id(f[2])
		gid, err2 := id(f[3])
		if err1 != nil || err2 != nil {
			return false
		}
		u, login = User{UID: uid, GID: gid, Home: f[5]}, f[0]
		return true
	})
	if err != nil {
		return User{}, err
	}
	if login == "" {
		if notNumber != nil {
			return User{}, fmt.Errorf("user %q is not in the image's /etc/passwd; create it first or use a numeric id", name)
		}
		return u, nil
	}
	u.Groups, err = memberships(open, login)
	return u, err
}

func memberships(open Open, login string) ([]uint32, error) {
	var groups []uint32
	err := each(open, "etc/group", func(f []string) bool {
		if len(f) >= 4 && slices.Contains(strings.Split(f[3], ","), login) {
			if gid, err := id(f[2]); err == nil {
				groups = append(groups, gid)
			}
		}
		return false
	})
	slices.Sort(groups)
	return slices.Compact(groups), err
}

func findGroup(open Open, name string) (uint32, error) {
	number, notNumber := id(name)
	found := notNumber == nil
	err := each(open, "etc/group", func(f []string) bool {
		if len(f) < 3 || f[0] != name {
			return false
		}
		gid, err := id(f[2])
		if err == nil {
			number, found = gid, true
		}
		return err == nil
	})
	if err == nil && !found {
		err = fmt.Errorf("group %q is not in the image's /etc/group; create it first or use a numeric id", name)
	}
	return number, err
}

// each calls fn with the fields of each line until it returns true.
func each(open Open, name string, fn func(fields []string) bool) error {
	f, err := open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fn(strings.Split(strings.TrimSpace(lines.Text()), ":")) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the image's /%s: %w", name, err)
	}
	return nil
}
