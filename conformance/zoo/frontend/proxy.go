// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// fault is one way to be wrong: what is set replaces what is right.
type fault struct {
	startsAfter time.Duration // how late it starts
	noArguments bool          // it refuses arguments
	greeting    string        // what it writes before anything else
	exit        int           // the code at the end of stdin
	exitCutOff  *int          // the code when stdin ends inside a request
	stays       bool          // it does not end
	wholeOnly   bool          // it wants each request in one piece
	shortOnly   bool          // it wants lengths without needless bytes
	// raw sees a request before the good one does. What it returns is answered
	// instead, no answer being nil; without ok the good one answers.
	raw func(p *proxy, frame []byte) (answers [][]byte, ok bool)
	// ask changes a request to parse.
	ask func(*frontendv1.ParseRequest)
	// answer changes an answer to any request.
	answer func(p *proxy, res *frontendv1.Response)
	// parsed changes an answer to a request to parse.
	parsed func(p *proxy, req *frontendv1.ParseRequest, res *frontendv1.ParseResponse)
	// write makes the bytes for an answer, which are otherwise one frame.
	write func(p *proxy, answer []byte) []byte
}

// proxy stands between the host and a good frontend.
type proxy struct {
	fault
	good    *engine.Instance
	goodOut *bufio.Reader
	in      *bufio.Reader
	out     *os.File
	n       int    // how many requests there were
	sum     int    // how many bytes they had
	held    []byte // answers that wait
}

func newProxy(f fault, good *engine.Instance) *proxy {
	return &proxy{fault: f, good: good, goodOut: bufio.NewReader(good.Stdout), in: bufio.NewReaderSize(os.Stdin, 1<<16), out: os.Stdout}
}

// run answers requests until stdin ends, and returns the exit code.
func (p *proxy) run() (int, error) {
	if _, err := p.out.WriteString(p.greeting); err != nil {
		return 2, err
	}
	for {
		frame, err := p.next()
		switch {
		case errors.Is(err, io.EOF):
			return p.end()
		case err != nil && p.exitCutOff != nil:
			return *p.exitCutOff, nil
		case err != nil:
			return 1, err
		}
		p.n, p.sum = p.n+1, p.sum+len(frame)
		answers, err := p.handle(frame)
		if err != nil {
			return 1, err
		}
		for _, answer := range answers {
			if err := p.send(answer); err != nil {
				return 1, err
			}
		}
	}
}

// next reads a request.
func (p *proxy) next() ([]byte, error) {
	head, err := p.in.Peek(1)
	if err != nil {
		return nil, err
	}
	if p.wholeOnly && head[0]&0x80 == 0 && p.in.Buffered() < 1+int(head[0]) {
		return nil, fmt.Errorf("the request does not come in one piece")
	}
	for n := 2; p.shortOnly && err == nil && head[n-2]&0x80 != 0; n++ {
		if head, err = p.in.Peek(n); err == nil && head[n-1] == 0 {
			return nil, fmt.Errorf("the length is written with more bytes than it needs")
		}
	}
	return frontend.ReadFrame(p.in, frontend.MaxRequest)
}

// end is what follows the end of stdin.
func (p *proxy) end() (int, error) {
	if _, err := p.out.Write(p.held); err != nil {
		return 1, err
	}
	if err := p.good.Stdin.Close(); err != nil {
		return 1, err
	}
	if p.stays {
		time.Sleep(time.Hour)
	}
	return p.exit, nil
}

// handle returns the answers to a request.
func (p *proxy) handle(frame []byte) ([][]byte, error) {
	if p.raw != nil {
		if answers, ok := p.raw(p, frame); ok {
			return answers, nil
		}
	}
	var req frontendv1.Request
	readable := req.UnmarshalVT(frame) == nil
	if readable && p.ask != nil && req.GetParse() != nil {
		p.ask(req.GetParse())
		var err error
		if frame, err = req.MarshalVT(); err != nil {
			return nil, err
		}
	}
	answer, err := p.call(frame)
	if err != nil {
		return nil, err
	}
	answer, err = p.change(&req, answer)
	return [][]byte{answer}, err
}

// call asks the good frontend.
func (p *proxy) call(frame []byte) ([]byte, error) {
	if _, err := p.good.Stdin.Write(framed(frame)); err != nil {
		return nil, err
	}
	return frontend.ReadFrame(p.goodOut, 1<<30)
}

// change breaks an answer.
func (p *proxy) change(req *frontendv1.Request, answer []byte) ([]byte, error) {
	if p.answer == nil && p.parsed == nil {
		return answer, nil
	}
	var res frontendv1.Response
	if err := res.UnmarshalVT(answer); err != nil {
		return nil, err
	}
	if p.parsed != nil && req.GetParse() != nil && res.GetParse() != nil {
		p.parsed(p, req.GetParse(), res.GetParse())
	}
	if p.answer != nil {
		p.answer(p, &res)
	}
	return res.MarshalVT()
}

// send writes an answer.
func (p *proxy) send(answer []byte) error {
	bytes := framed(answer)
	if p.write != nil {
		bytes = p.write(p, answer)
	}
	_, err := p.out.Write(bytes)
	return err
}

// framed is a message with its length in front.
func framed(message []byte) []byte {
	n, size := uint64(len(message)), []byte(nil)
	for ; n >= 0x80; n >>= 7 {
		size = append(size, byte(n)|0x80)
	}
	return slices.Concat(append(size, byte(n)), message)
}
