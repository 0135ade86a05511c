// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// scriptCase runs a vector about the protocol.
func (p *plugin) scriptCase(v *vectors.Frontend) suite.Case {
	var after []string
	if section+v.Name != first {
		after = []string{first}
	}
	c := vectorCase(v, after...)
	c.Run = func(ctx context.Context, t *suite.T) {
		ops, err := v.Script(p.file)
		if err != nil {
			t.Fatalf("suite", "the vector is malformed: %v", err)
		}
		talk := &talk{plugin: p, t: t, only: section+v.Name == first}
		defer talk.end()
		for _, op := range ops {
			if err := talk.do(ctx, op); err != nil {
				t.Fail(scriptProblem(v, op, err))
				return
			}
		}
	}
	return c
}

// scriptProblem says where a script went wrong.
func scriptProblem(v *vectors.Frontend, op vectors.Op, err error) suite.Problem {
	class := "ok"
	var e *ending
	if errors.As(err, &e) {
		class = e.class
	}
	text, _ := v.Vector.File("@script")
	return suite.Problem{Class: class, Message: err.Error(), Input: string(text), Want: fmt.Sprintf("line %d: %.200s", op.Line, op.Text), Got: err.Error()}
}

// talk is the run of a script.
type talk struct {
	plugin  *plugin
	t       *suite.T
	now     *session
	only    bool // whether answers are not held against the rules, which have cases of their own after this one
	slowly  bool
	pending []byte // not yet written: what stands together is written at once
	sent    []byte // written, and not yet taken apart into requests
	first   []byte // the first answer
}

func (k *talk) do(ctx context.Context, op vectors.Op) error {
	if k.now == nil {
		s, err := k.plugin.start()
		if err != nil {
			return err
		}
		k.now = s
	}
	switch op.Verb {
	case vectors.Write:
		k.pending = append(k.pending, op.Bytes...)
	case vectors.Slowly:
		k.slowly = true
	case vectors.Close:
		k.flush()
		k.now.close()
	case vectors.Restart:
		k.flush()
		k.end()
	case vectors.WantExit:
		return k.exit(ctx, op)
	default:
		k.flush()
		return k.answer(ctx, op)
	}
	return nil
}

// flush writes what is pending.
func (k *talk) flush() {
	if len(k.pending) > 0 {
		k.t.Tracef("> %d bytes: %s", len(k.pending), start(k.pending))
		k.now.write(k.pending, k.slowly)
		k.sent = append(k.sent, k.pending...)
		k.pending = nil
	}
}

func (k *talk) end() {
	if k.now != nil {
		k.now.end()
		k.now, k.sent = nil, nil
	}
}

// answer reads the next answer and compares it.
func (k *talk) answer(ctx context.Context, op vectors.Op) error {
	frame, err := k.now.next(ctx)
	if err != nil {
		return err
	}
	k.t.Tracef("< %d bytes: %s", len(frame), start(frame))
	request := k.request()
	if k.first == nil {
		k.first = frame
	}
	switch op.Verb {
	case vectors.WantFailure:
		return wantFailure(frame, op)
	case vectors.WantSame:
		if !bytes.Equal(frame, k.first) {
			return fmt.Errorf("the answer has other bytes than the first one")
		}
		return nil
	}
	a, err := decode(frame, op.ID)
	if err != nil {
		return err
	}
	if k.only {
		return nil
	}
	if problems := k.plugin.unreported(check(request, a.ParseResponse)); len(problems) > 0 {
		return fmt.Errorf("%s", problems[0])
	}
	return nil
}

// start is the start of what goes over the wire, for people.
func start(b []byte) string { return fmt.Sprintf("%q", b[:min(len(b), 200)]) }

// request takes the next request off what was sent. What cannot be read as one
// gets an empty one.
func (k *talk) request() *frontendv1.ParseRequest {
	in := bytes.NewReader(k.sent)
	frame, err := frontend.ReadFrame(in, len(k.sent))
	if err != nil {
		k.sent = nil
		return nil
	}
	k.sent = k.sent[len(k.sent)-in.Len():]
	var request frontendv1.Request
	if err := request.UnmarshalVT(frame); err != nil {
		return nil
	}
	return request.GetParse()
}

// wantFailure requires a failure of a class.
func wantFailure(frame []byte, op vectors.Op) error {
	var res frontendv1.Response
	if err := res.UnmarshalVT(frame); err != nil {
		return endf("malformed", "its answer is malformed: %v", err)
	}
	f := res.GetFailure()
	code := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(f.GetCode().String(), "CODE_")), "_", "-")
	switch {
	case f == nil:
		return fmt.Errorf("it answered, and should have failed: %s", op.Code)
	case code != op.Code:
		return endf("failure", "it failed as %s, and not as %s: %s", code, op.Code, f.GetMessage())
	case f.GetMessage() == "":
		return endf("failure", "its failure says nothing")
	case !op.AnyID && res.GetId() != op.ID:
		return endf("failure", "its failure answers request %d, and not %d", res.GetId(), op.ID)
	}
	return nil
}

// exit waits for the end of the instance.
func (k *talk) exit(ctx context.Context, op vectors.Op) error {
	k.flush()
	frame, err := k.now.next(ctx)
	var e *ending
	switch {
	case err == nil:
		return fmt.Errorf("there is an answer that nobody asked for: %x", frame[:min(len(frame), 64)])
	case errors.As(err, &e) && e.class == "timeout":
		return endf("timeout", "it did not end after its stdin did")
	case !errors.Is(k.now.broken, io.EOF):
		return err
	}
	code, err := k.now.exit()
	switch {
	case err != nil:
		return endf("died", "it died: %v%s", err, k.now.said())
	case (code == 0) != (op.Code == "0"):
		return endf("died", "it ended with code %d%s", code, k.now.said())
	}
	k.end()
	return nil
}
