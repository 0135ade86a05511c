// SPDX-License-Identifier: Apache-2.0

package life

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// play is one script being played.
type play struct {
	*section
	*suite.T
	ctx  context.Context
	life *vectors.Life
	line vectors.Line // the one that is played

	dir      string // everything of the script is below
	stateDir string
	mark     string // a word that is nowhere else on the machine
	secret   string // the one that builds are given

	processes map[string]*process
	now       *process // the one that lines are about
	jobs      map[string]*job
	last      *job // the one that lines are about
	laid      map[string]*laid
	described []*backendv1.DescribeResponse
	watched   *watch
}

// verbs are what a line can begin with.
var verbs map[string]func(*play, words) = map[string]func(*play, words){
	"start": (*play).start, "use": (*play).use, "exits": (*play).exits, "explains": (*play).explains, "quiet": (*play).quiet,
	"socket": (*play).socket, "kill": (*play).kill, "stop": (*play).stop, "continue": (*play).goOn, "cut-lifeline": (*play).cutLifeline,
	"disconnect": (*play).disconnect, "shutdown": (*play).shutdown, "close": (*play).closeProcess,
	"describe": (*play).describe, "subtractions": (*play).subtractions, "experimental": (*play).experimental,
	"has": (*play).has, "export": (*play).export, "remove": (*play).remove, "recover": (*play).recover,
	"build": (*play).build, "await": (*play).await, "ends": (*play).ends, "cancel": (*play).cancel, "break-stream": (*play).breakStream,
	"close-stream": (*play).closeStream, "hold": (*play).hold, "resume": (*play).resume, "say": (*play).say,
	"once": (*play).once, "in-order": (*play).inOrder, "uncached": (*play).uncached, "blobs": (*play).blobs, "same": (*play).same,
	"inputs": (*play).inputs, "output": (*play).output,
	"gone": (*play).gone, "untouched": (*play).untouched, "secret-nowhere": (*play).secretNowhere, "holds": (*play).holds, "without": (*play).without,
	"measure": (*play).measure, "grew": (*play).grew, "took": (*play).took,
}

// check says what of a script this package does not know.
func check(l *vectors.Life) error {
	depth := 0
	for _, line := range l.Script {
		switch verb := line.Words[0]; {
		case verb == "times":
			depth++
		case verb == "again":
			depth--
		case verbs[verb] == nil:
			return fmt.Errorf("line %d, %s: unknown verb", line.Number, line)
		}
		if depth < 0 || depth > 1 {
			return fmt.Errorf("line %d: times and again do not fit", line.Number)
		}
	}
	if depth != 0 {
		return fmt.Errorf("times without again")
	}
	return nil
}

// play plays a script.
func (s *section) play(ctx context.Context, t *suite.T, l *vectors.Life) {
	for _, feature := range l.Needs {
		// A case for both kinds says what each of them needs.
		if strings.HasPrefix(feature, "wasm.") == (s.kind == target.Wasm) {
			t.Needs(feature)
		}
	}
	p := &play{
		section: s, T: t, ctx: ctx, life: l, mark: "m" + random(), secret: "hush-" + random() + random(),
		processes: map[string]*process{}, jobs: map[string]*job{}, laid: map[string]*laid{},
	}
	t.Secret(p.secret)
	if err := p.open(); err != nil {
		t.Fatalf(classSuite, "%v", err)
	}
	defer p.end()
	p.lines(l.Script)
}

// open makes the folders of the script.
func (p *play) open() (err error) {
	if p.kind == target.Wasm && p.language == "" {
		p.CannotRun("there is no build in a language that %s builds", p.Manifest.ID)
	}
	if p.dir, err = p.Scratch(p.life.Name); err != nil {
		return err
	}
	if slices.Contains(p.life.OwnState, string(p.kind)) {
		p.stateDir = filepath.Join(p.dir, "state")
		return os.Mkdir(p.stateDir, 0o700)
	}
	p.stateDir, err = p.state()
	return err
}

// end ends what the script has left, and removes its files.
func (p *play) end() {
	for _, j := range p.jobs {
		j.end()
	}
	for _, proc := range p.processes {
		proc.close()
	}
	p.sweep()
}

// lines plays lines; those from "times N" to "again" N times.
func (p *play) lines(list []vectors.Line) {
	for i := 0; i < len(list); i++ {
		p.line = list[i]
		if p.line.Words[0] != "times" {
			verbs[p.line.Words[0]](p, words(p.line.Words[1:]))
			continue
		}
		w := words(p.line.Words[1:])
		n, err := amount(w.next())
		p.check(err)
		end := i + 1
		for list[end].Words[0] != "again" {
			end++
		}
		for range n {
			p.lines(list[i+1 : end])
		}
		i = end
	}
}

// Classes of what can be wrong that no build or exit ends with.
const (
	classOK      = "ok"      // content, and wrong
	classRefused = "refused" // the call failed
	classTimeout = "timeout"
	classDied    = "died"
	classLeak    = "leak"
	classSuite   = "suite" // the script or the suite is wrong
)

// fatal reports a problem of the line and ends the case.
func (p *play) fatal(class, format string, args ...any) {
	p.problem(suite.Problem{Class: class, Message: fmt.Sprintf(format, args...)})
}

// problem reports a problem of the line and ends the case.
func (p *play) problem(found suite.Problem) {
	found.Input = fmt.Sprintf("line %d: %s", p.line.Number, p.line)
	if p.now != nil && found.Got == "" {
		found.Got = lastWords(p.now.stderr())
	}
	p.Fail(found)
	runtime.Goexit()
}

// check ends the case when the suite could not do its part.
func (p *play) check(err error) {
	if err != nil {
		p.fatal(classSuite, "%v", err)
	}
}

// nothing ends the case when words of the line were not understood.
func (p *play) nothing(w words) {
	if len(w) > 0 {
		p.fatal(classSuite, "the script is wrong: %q means nothing here", strings.Join(w, " "))
	}
}

// lastWords is the end of what a process wrote on stderr.
func lastWords(text string) string {
	const most = 2000
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return "stderr: " + text
}

// random is a word that was never used before.
func random() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// jsonOf is a message as text.
func jsonOf(m json.Marshaler) string {
	text, err := m.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}
