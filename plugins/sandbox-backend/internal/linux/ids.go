// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// idRange maps ids of a user namespace to those outside of it.
type idRange struct{ inside, outside, count uint32 }

// idMaps are the users and groups that commands can be.
type idMaps struct {
	uids, gids []idRange
	// tool says that the kernel lets only newuidmap and newgidmap set them.
	tool bool
	// why says why only one user is mapped. Empty when more are.
	why string
	// noTool says that it is because newuidmap or newgidmap is missing.
	noTool bool
}

// oneID says that only one user is mapped: the kernel then takes only maps that
// forbid setgroups(2).
func (m *idMaps) oneID() bool { return m.why != "" }

// findMaps decides which users commands can be: all for root, the subordinate
// ones for another user, or just that user.
func findMaps() (*idMaps, error) {
	if os.Geteuid() == 0 {
		return identity()
	}
	own := func(id int) []idRange { return []idRange{{0, uint32(id), 1}} }
	m := &idMaps{uids: own(os.Geteuid()), gids: own(os.Getegid())}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			m.why, m.noTool = "the program "+tool+" is missing", true
			return m, nil
		}
	}
	for _, of := range []struct {
		file   string
		ranges *[]idRange
	}{{"/etc/subuid", &m.uids}, {"/etc/subgid", &m.gids}} {
		more, err := subordinates(of.file)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			return &idMaps{uids: m.uids[:1], gids: m.gids[:1], why: fmt.Sprintf("%s has no range for %s", of.file, userName())}, nil
		}
		*of.ranges = append(*of.ranges, more...)
	}
	m.tool = true
	return m, nil
}

// identity maps each id that this process has to itself.
func identity() (*idMaps, error) {
	var m idMaps
	for file, ranges := range map[string]*[]idRange{"/proc/self/uid_map": &m.uids, "/proc/self/gid_map": &m.gids} {
		err := eachLine(file, func(line string) error {
			var r idRange
			if _, err := fmt.Sscan(line, &r.inside, &r.outside, &r.count); err != nil {
				return err
			}
			*ranges = append(*ranges, idRange{r.inside, r.inside, r.count})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(m.uids) == 1 && m.uids[0].count == 1 {
		m.why = "only one user is mapped in the namespace that the backend runs in"
	}
	return &m, nil
}

// subordinates are the ranges of the user in a file of subuid(5), inside ids
// from 1 on.
func subordinates(file string) ([]idRange, error) {
	name, id := userName(), strconv.Itoa(os.Geteuid())
	var out []idRange
	next := uint32(1)
	err := eachLine(file, func(line string) error {
		who, rest, _ := strings.Cut(line, ":")
		first, count, ok := strings.Cut(rest, ":")
		if !ok || who != name && who != id {
			return nil
		}
		r := idRange{inside: next}
		if _, err := fmt.Sscan(first+" "+count, &r.outside, &r.count); err != nil {
			return err
		}
		next += r.count
		if r.count > 0 {
			out = append(out, r)
		}
		return nil
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

// userName is the name of the user of this process, or the number.
func userName() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return strconv.Itoa(os.Geteuid())
}

func eachLine(file string, fn func(string) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if err := fn(lines.Text()); err != nil {
			return fmt.Errorf("%s: line %q: %w", file, lines.Text(), err)
		}
	}
	return lines.Err()
}

// apply gives a process, which has just entered a user namespace, its ids.
func (m *idMaps) apply(pid int) error {
	if m.tool {
		return m.byTools(pid)
	}
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if m.oneID() {
		if err := os.WriteFile(filepath.Join(dir, "setgroups"), []byte("deny"), 0); err != nil {
			return fmt.Errorf("forbidding setgroups: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "uid_map"), []byte(text(m.uids)), 0); err != nil {
		return fmt.Errorf("mapping users: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "gid_map"), []byte(text(m.gids)), 0); err != nil {
		return fmt.Errorf("mapping groups: %w", err)
	}
	return nil
}

func text(ranges []idRange) string {
	var b strings.Builder
	for _, r := range ranges {
		fmt.Fprintf(&b, "%d %d %d\n", r.inside, r.outside, r.count)
	}
	return b.String()
}

// byTools runs newuidmap and newgidmap, which take a few milliseconds each, at
// once.
func (m *idMaps) byTools(pid int) error {
	var problems [2]error
	var both sync.WaitGroup
	both.Go(func() { problems[0] = runTool("newuidmap", pid, m.uids) })
	both.Go(func() { problems[1] = runTool("newgidmap", pid, m.gids) })
	both.Wait()
	return errors.Join(problems[:]...)
}

func runTool(name string, pid int, ranges []idRange) error {
	cmd := exec.Command(name, append([]string{strconv.Itoa(pid)}, strings.Fields(text(ranges))...)...)
	cmd.Env = []string{}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
