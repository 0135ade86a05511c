// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/sdk/frontend"
)

const (
	// maxAnswer is the largest answer that is read, in bytes.
	maxAnswer = 256 << 20
	// patience is how long one answer may take, and perByte what each byte of
	// the request adds: also a machine that is busy must not fail it.
	patience = time.Minute
	perByte  = 200 * time.Microsecond
)

// ending says how an exchange ended that did not end with a parse response.
type ending struct {
	// class is "failure", "died", "timeout" or "malformed".
	class, message string
	// rule is the sentence of SPEC.md that the answer breaks, when it is known.
	rule string
}

// Error returns the message.
func (e *ending) Error() string { return e.message }

func endf(class, format string, args ...any) *ending {
	return &ending{class: class, message: fmt.Sprintf(format, args...)}
}

// queued is how many answers, and how many writes, may wait: more than any
// vector asks for.
const queued = 4096

// session is one running instance that is spoken to in bytes. Nothing it does
// makes its methods wait, but for next and exit, which do not wait for ever.
type session struct {
	*engine.Instance
	cancel context.CancelFunc
	input  chan input
	frames chan []byte
	broken error // why there are no more frames; read it after frames is closed
	size   int   // of the last write
}

// input is what is written: at once, or each byte by itself.
type input struct {
	bytes  []byte
	slowly bool
}

// start runs an instance, which ends with end.
func (p *plugin) start(args ...string) (*session, error) {
	ctx, cancel := context.WithCancel(context.Background())
	i, err := p.engine.Start(ctx, p.Main, args...)
	if err != nil {
		cancel()
		return nil, endf("died", "it does not start: %v", err)
	}
	s := &session{Instance: i, cancel: cancel, input: make(chan input, queued), frames: make(chan []byte, queued)}
	go s.read(ctx)
	go s.feed(ctx)
	return s, nil
}

// read reads frames until there are no more.
func (s *session) read(ctx context.Context) {
	defer close(s.frames)
	in := bufio.NewReader(s.Stdout)
	for {
		frame, err := frontend.ReadFrame(in, maxAnswer)
		if err != nil {
			s.broken = err
			return
		}
		select {
		case s.frames <- frame:
		case <-ctx.Done():
			s.broken = ctx.Err()
			return
		}
	}
}

// feed writes to stdin what comes, and closes it after the last. A frontend
// that has ended is noticed by next.
func (s *session) feed(ctx context.Context) {
	defer s.Stdin.Close()
	for {
		select {
		case in, ok := <-s.input:
			if !ok || !in.writeTo(s.Stdin) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (in input) writeTo(w io.Writer) bool {
	size := max(1, len(in.bytes))
	if in.slowly {
		size = 1
	}
	for part := range slices.Chunk(in.bytes, size) {
		if _, err := w.Write(part); err != nil {
			return false
		}
		if in.slowly {
			time.Sleep(time.Millisecond) // so that it is read before the next one is there
		}
	}
	return true
}

// write writes to stdin.
func (s *session) write(b []byte, slowly bool) {
	s.size = len(b)
	s.input <- input{b, slowly}
}

// close ends stdin once all is written.
func (s *session) close() { close(s.input) }

// next returns the next answer. The error is an *ending.
func (s *session) next(ctx context.Context) ([]byte, error) {
	within := patience + time.Duration(s.size)*perByte
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case frame, ok := <-s.frames:
		if ok {
			return frame, nil
		}
		return nil, s.died()
	case <-timer.C:
		return nil, endf("timeout", "there was no answer within %v", within.Round(time.Second))
	case <-ctx.Done():
		return nil, endf("timeout", "there was no answer: %v", ctx.Err())
	}
}

// died says why there are no more answers.
func (s *session) died() *ending {
	if !errors.Is(s.broken, io.EOF) {
		return endf("malformed", "what it wrote is no answer: %v%s", s.broken, s.said())
	}
	code, err := s.exit()
	if err != nil {
		return endf("died", "it died: %v%s", err, s.said())
	}
	return endf("died", "it ended with code %d instead of an answer%s", code, s.said())
}

// exit waits for the end, for a while.
func (s *session) exit() (int, error) {
	timer := time.AfterFunc(patience, s.cancel)
	defer timer.Stop()
	return s.Wait()
}

// said is the first line of the end of what it wrote to stderr.
func (s *session) said() string {
	line, _, _ := strings.Cut(strings.TrimSpace(s.Stderr()), "\n")
	if line == "" {
		return ""
	}
	return fmt.Sprintf("; on stderr: %.200s", line)
}

// end ends the instance, whatever it does.
func (s *session) end() {
	s.cancel()
	for range s.frames { // the reader ends
	}
	_, _ = s.Wait()
}
