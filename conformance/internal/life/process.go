// SPDX-License-Identifier: Apache-2.0

package life

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/peer"
	"github.com/zlayer/zlayer/conformance/suite"
)

// process is a backend that the script has started.
type process struct {
	*peer.Process                  // nil when it did not come up
	failed        *peer.StartError // why it did not
	sockets       string           // the folder that it was given for its socket
	temp          string           // its TMPDIR
	cwd           string
	seen          map[proc]string // processes that were below it, and what they were
	idle          map[proc]bool   // those of them that were there before any build
	built         bool            // a build was begun
	mounts        map[string]bool // that were there when it came up
	sample        sample          // taken by "measure"
}

func (pr *process) stderr() string {
	if pr.Process == nil {
		return pr.failed.Stderr
	}
	return pr.Process.Stderr()
}

func (pr *process) close() {
	if pr.Process != nil {
		_ = pr.Close()
	}
	_ = os.RemoveAll(pr.sockets)
}

// start starts a backend: start [as NAME] [no-cookie] [no-lifeline].
func (p *play) start(w words) {
	name := w.value("as", "it")
	o := peer.Options{Path: p.Main, NoCookie: w.flag("no-cookie"), NoLifeline: w.flag("no-lifeline")}
	p.nothing(w)
	pr := &process{seen: map[proc]string{}, idle: map[proc]bool{}}
	var err error
	// A socket's path must be short, so its folder is not with the others.
	pr.sockets, err = os.MkdirTemp("", "zl-")
	p.check(err)
	for _, dir := range []*string{&pr.temp, &pr.cwd} {
		*dir, err = os.MkdirTemp(p.dir, "process-")
		p.check(err)
	}
	o.Sockets, o.Dir = pr.sockets, pr.cwd
	o.Env = append(p.Env(), "TMPDIR="+pr.temp)
	p.watch(pr.cwd, pr.temp, p.Dir)
	pr.Process, err = peer.Start(p.ctx, o)
	p.processes[name], p.now = pr, pr
	switch {
	case errors.As(err, &pr.failed):
		if !o.NoCookie {
			p.fatal(classDied, "the backend did not come up: %v", err)
		}
	case err != nil:
		p.check(err)
	case o.NoCookie:
		p.fatal(classOK, "the backend came up without the cookie")
	default:
		pr.mounts = mountsOf(pr.Pid())
		p.Tracef("start: %s after %v", pr.Line, pr.Took)
	}
}

// use says which process the next lines are about: use NAME.
func (p *play) use(w words) {
	name := w.next()
	p.nothing(w)
	if p.now = p.processes[name]; p.now == nil {
		p.fatal(classSuite, "the script is wrong: there is no process %q", name)
	}
}

// exits waits for the end of the process: exits [CODE] [within DURATION].
func (p *play) exits(w words) {
	limit := p.within(&w, 10*time.Second)
	want := p.life.Expect
	if len(w) > 0 {
		want = "exit " + w.next()
	}
	p.nothing(w)
	p.look()
	code, ended := p.now.exited(limit)
	got := fmt.Sprintf("exit %d", code)
	switch {
	case !ended:
		p.problem(suite.Problem{Class: classTimeout, Message: fmt.Sprintf("the process still runs after %v", limit), Want: want})
	case code < 0:
		p.problem(suite.Problem{Class: classDied, Message: "the process was ended by a signal", Want: want})
	case got != want:
		p.problem(suite.Problem{Class: got, Message: fmt.Sprintf("the process ended with exit code %d", code), Want: want})
	}
}

// explains wants a process that did not come up to have said why, on stderr
// alone.
func (p *play) explains(w words) {
	p.nothing(w)
	switch failed := p.now.failed; {
	case failed == nil:
		p.fatal(classSuite, "the script is wrong: the process came up")
	case failed.Stdout != "":
		p.problem(suite.Problem{Class: classOK, Message: "the process wrote on stdout", Want: "nothing", Got: failed.Stdout})
	case failed.Stderr == "":
		p.fatal(classOK, "the process says nothing on stderr to whoever runs it by hand")
	}
}

// quiet wants nothing on stdout but the handshake.
func (p *play) quiet(w words) {
	p.nothing(w)
	if text := p.now.Stdout(); text != "" {
		p.problem(suite.Problem{Class: classOK, Message: "the process wrote on stdout after the handshake line", Want: "nothing", Got: text})
	}
}

// socket wants the socket of the handshake where it belongs.
func (p *play) socket(w words) {
	p.nothing(w)
	path, err := peer.Address(p.now.Line)
	p.check(err)
	if filepath.Dir(path) != p.now.sockets {
		p.problem(suite.Problem{Class: classOK, Message: "the socket is not in PLUGIN_UNIX_SOCKET_DIR", Want: p.now.sockets, Got: path})
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSocket {
		p.fatal(classOK, "what the handshake names is no socket: %s", path)
	}
}

// kill kills the process as a crash does: what it has started goes on.
func (p *play) kill(w words) {
	p.nothing(w)
	p.look()
	p.now.Kill()
	p.now.Exited(5 * time.Second)
}

func (p *play) stop(w words) {
	p.nothing(w)
	p.now.Stop()
}

func (p *play) goOn(w words) {
	p.nothing(w)
	p.now.Continue()
}

// cutLifeline says that the host is dead.
func (p *play) cutLifeline(w words) {
	p.nothing(w)
	p.look()
	p.now.CutLifeline()
}

// disconnect closes the connection.
func (p *play) disconnect(w words) {
	p.nothing(w)
	p.look()
	p.now.Disconnect()
}

// shutdown asks the process to end, as a host does that is done.
func (p *play) shutdown(w words) {
	p.nothing(w)
	p.look()
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	_ = p.now.Shutdown(ctx) // it may be gone before it answers
}

// closeProcess does what a host does when it is done with a process, or finds
// it dead: its group is killed.
func (p *play) closeProcess(w words) {
	p.nothing(w)
	p.look()
	_ = p.now.Close() // "exits" is about how it ends
}
