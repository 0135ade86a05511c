// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
)

// look notes which processes are below the backends, so that they are known
// when a backend is not there any more. It is called where something may end.
func (p *play) look() {
	all := running()
	for _, pr := range p.processes {
		if pr.Process == nil {
			continue
		}
		for _, s := range all {
			if s.pid != pr.Pid() && (s.group == pr.Pid() || below(all, s, pr)) {
				pr.seen[s.proc] = fmt.Sprintf("%d %s %s", s.pid, s.name, commandLine(s.pid))
				if !pr.built {
					pr.idle[s.proc] = true
				}
			}
		}
	}
}

// below reports whether a process was started by the backend, or by one that
// was.
func below(all map[int]entry, s entry, pr *process) bool {
	for range len(all) {
		parent, ok := all[s.parent]
		if !ok {
			return false
		}
		if _, seen := pr.seen[parent.proc]; seen || parent.pid == pr.Pid() {
			return true
		}
		s = parent
	}
	return false
}

// gone wants nothing to be left of the builds so far: no process, mount,
// socket or temporary file: gone [within DURATION].
func (p *play) gone(w words) {
	limit := p.within(&w, 5*time.Second)
	p.nothing(w)
	if !seesProcesses {
		p.CannotRun("this system does not show processes and mounts")
	}
	p.look()
	var left []string
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if left = p.left(); len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	p.problem(suite.Problem{
		Class: classLeak, Message: fmt.Sprintf("after %v there is something left of a build: %s", limit, left[0]),
		Want: "no process, mount, socket or temporary file", Got: strings.Join(left, "\n"),
	})
}

// left lists what is there of builds.
func (p *play) left() []string {
	list := p.leftProcesses()
	for point := range mountsOf(os.Getpid()) {
		if strings.HasPrefix(point, p.dir+"/") {
			list = append(list, "the mount "+point)
		}
	}
	for _, pr := range p.processes {
		if _, ended := pr.exited(0); ended {
			if !pr.killed() { // then its socket and what is in temp_dir is the host's to remove
				list = append(list, filesIn("file", pr.sockets)...)
			}
			continue
		}
		for point := range mountsOf(pr.Pid()) {
			if !pr.mounts[point] && strings.HasPrefix(point, p.dir+"/") {
				list = append(list, "the mount "+point)
			}
		}
	}
	for _, pr := range p.processes {
		list = append(list, filesIn("temporary file", pr.temp)...)
	}
	for _, j := range p.jobs {
		if !j.on.killed() {
			list = append(list, filesIn("temporary file", j.start.GetTempDir())...)
		}
	}
	list = append(list, p.named()...)
	slices.Sort(list)
	return list
}

// exited waits for the end of the process, if it ever came up.
func (pr *process) exited(d time.Duration) (code int, ok bool) {
	if pr.Process == nil {
		return pr.failed.Code, true
	}
	return pr.Exited(d)
}

// killed reports whether the process was ended by a signal.
func (pr *process) killed() bool {
	code, ended := pr.exited(0)
	return ended && code < 0
}

// leftProcesses lists the processes that backends have started and that still
// run, and all that have the mark of the script. A backend that runs may keep
// what it had before its first build.
func (p *play) leftProcesses() []string {
	var list []string
	for pid, s := range running() {
		what, left := "", false
		for _, pr := range p.processes {
			_, ended := pr.exited(0)
			if text, ok := pr.seen[s.proc]; ok && (ended || !pr.idle[s.proc]) {
				what, left = text, true
			}
		}
		if !left && pid != os.Getpid() && (strings.Contains(commandLine(pid), p.mark) || strings.Contains(environment(pid), p.mark)) {
			what, left = fmt.Sprintf("%d %s %s", pid, s.name, commandLine(pid)), true
		}
		if left {
			list = append(list, "the process "+what)
		}
	}
	return list
}

// sweep ends and removes what a backend has left, so that the suite leaves
// nothing behind.
func (p *play) sweep() {
	for pid, s := range running() {
		for _, pr := range p.processes {
			if _, ok := pr.seen[s.proc]; ok {
				kill(pid)
			}
		}
	}
	unmountBelow(p.dir)
	_ = os.RemoveAll(p.dir) // what is left then is removed with the rest
}

// unmountBelow removes all mounts below a folder. There may be several at one
// place.
func unmountBelow(dir string) {
	for range 100 {
		found := false
		for point := range mountsOf(os.Getpid()) {
			if strings.HasPrefix(point, dir+"/") {
				unmount(point)
				found = true
			}
		}
		if !found {
			return
		}
	}
}

// filesIn lists what is in a folder.
func filesIn(what, dir string) []string {
	files, _ := os.ReadDir(dir) // a folder that is gone has none
	var list []string
	for _, f := range files {
		list = append(list, "the "+what+" "+filepath.Join(dir, f.Name()))
	}
	return list
}

// named lists what has the name of a job of the script in the state folder.
func (p *play) named() []string {
	var list []string
	_ = filepath.WalkDir(p.stateDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it is going
		}
		for _, j := range p.jobs {
			if strings.Contains(d.Name(), j.id) {
				list = append(list, "the file "+path)
				if d.IsDir() {
					return fs.SkipDir
				}
			}
		}
		return nil
	})
	return list
}
