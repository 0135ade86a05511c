// SPDX-License-Identifier: Apache-2.0

package parity

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/sdk/frontend"
)

const (
	// patience is how long an instance may take: it ends a test that hangs, and
	// says nothing of speed.
	patience = 3 * time.Minute
	// maxAnswer is the largest answer in bytes.
	maxAnswer = 64 << 20
)

// peer is a frontend on an engine.
type peer struct {
	name   string
	engine *engine.Engine
	module string
	// resident is the instance that is asked again and again. Nil: start one.
	resident *instance
}

// instance is a frontend that runs.
type instance struct {
	*engine.Instance
	out *bufio.Reader
	end context.CancelFunc
}

func (p *peer) start() (*instance, error) {
	ctx, cancel := context.WithCancel(context.Background())
	i, err := p.engine.Start(ctx, p.module)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting the frontend on %s: %w", p.name, err)
	}
	return &instance{Instance: i, out: bufio.NewReader(i.Stdout), end: cancel}, nil
}

// ask asks the resident instance, or a new one for this request alone. The
// error says how the instance ended instead of answering.
func (p *peer) ask(request []byte, fresh bool) ([]byte, error) {
	if fresh {
		i, err := p.start()
		if err != nil {
			return nil, err
		}
		defer i.stop()
		return i.ask(request)
	}
	if p.resident == nil {
		i, err := p.start()
		if err != nil {
			return nil, err
		}
		p.resident = i
	}
	answer, err := p.resident.ask(request)
	if err != nil {
		p.close()
	}
	return answer, err
}

// ask writes a frame and reads one.
func (i *instance) ask(request []byte) ([]byte, error) {
	defer time.AfterFunc(patience, i.end).Stop()
	if _, err := i.Stdin.Write(request); err != nil {
		return nil, i.died(err)
	}
	frame, err := frontend.ReadFrame(i.out, maxAnswer)
	if err != nil {
		return nil, i.died(err)
	}
	return frame, nil
}

func (i *instance) died(err error) error {
	code, why := i.Wait()
	return fmt.Errorf("no answer: %w", errors.Join(err, why, fmt.Errorf("exit code %d; on stderr: %s", code, i.Stderr())))
}

// talk writes bytes to a new instance, closes its stdin, and returns its answers.
// The last one is how it ended: without an error when it was with exit code 0.
func (p *peer) talk(input []byte) []answer {
	i, err := p.start()
	if err != nil {
		return []answer{{err: err}}
	}
	defer i.stop()
	defer time.AfterFunc(patience, i.end).Stop()
	go func() {
		_, _ = i.Stdin.Write(input) // it may end before it has read all
		_ = i.Stdin.Close()
	}()
	var answers []answer
	for {
		frame, err := frontend.ReadFrame(i.out, maxAnswer)
		if err != nil {
			return append(answers, answer{err: i.ended(err)})
		}
		answers = append(answers, answer{frame: frame})
	}
}

// ended is nil when the instance has ended well.
func (i *instance) ended(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	code, err := i.Wait()
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	return err
}

// stop ends an instance.
func (i *instance) stop() {
	i.end()
	_, _ = i.Wait()
}

// close ends the resident instance.
func (p *peer) close() {
	if p.resident != nil {
		p.resident.stop()
		p.resident = nil
	}
}
