// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bufio"
	"errors"
	"io"
	"os"
	"runtime"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Main serves f on stdin and stdout and ends the process: with code 0 when
// stdin ends, else with code 1 and the reason on stderr. It is all there is in
// the main function of a frontend, compiled for WASI or natively.
//
// What f prints goes to stderr, so that a stray print does not break the
// protocol.
func Main(f Frontend) {
	out := os.Stdout
	os.Stdout = os.Stderr
	if err := Serve(f, os.Stdin, out); err != nil {
		_, _ = os.Stderr.WriteString("frontend: " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// ErrPanic is what Serve returns after f has panicked.
var ErrPanic = errors.New("the frontend panicked")

// Serve reads requests from r and writes one response each to w, in order,
// until r ends; then it returns nil (SPEC, frontend-v1).
//
// A request that cannot be decoded or whose method is unknown is answered with
// a Failure, and serving goes on. When f panics, the request is answered with
// a Failure of CODE_INTERNAL, the stack goes to stderr, and Serve returns
// ErrPanic: nobody knows what a function that must not panic has left behind,
// so the host starts a new instance.
func Serve(f Frontend, r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		frame, err := ReadFrame(in, MaxRequest)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		res, broken := answer(f, frame)
		if err := WriteMessage(w, res); err != nil {
			return err
		}
		if broken != nil {
			return broken
		}
	}
}

// answer answers one request. The error says that f must not be called again.
func answer(f Frontend, frame []byte) (res *frontendv1.Response, err error) {
	// Called directly and not as a Decoder: a decoder called through an
	// interface keeps those of all other messages in the module too.
	var req frontendv1.Request
	if err := req.UnmarshalVT(frame); err != nil {
		return failure(0, frontendv1.Code_CODE_INVALID_REQUEST, "malformed request: "+err.Error()), nil
	}
	defer func() {
		if v := recover(); v != nil {
			_, _ = os.Stderr.WriteString("frontend: panic: " + panicText(v) + "\n" + stack())
			res = failure(req.GetId(), frontendv1.Code_CODE_INTERNAL, ErrPanic.Error()+": "+panicText(v))
			err = ErrPanic
		}
	}()
	switch m := req.GetMethod().(type) {
	case *frontendv1.Request_Parse:
		return parse(f, req.GetId(), m.Parse), nil
	default:
		return failure(req.GetId(), frontendv1.Code_CODE_UNIMPLEMENTED, "the frontend does not know this method"), nil
	}
}

func parse(f Frontend, id uint64, r *frontendv1.ParseRequest) *frontendv1.Response {
	res := f.Parse(r)
	if res == nil {
		return failure(id, frontendv1.Code_CODE_INTERNAL, "the frontend returned no response")
	}
	nameFeatures(res)
	return &frontendv1.Response{Id: id, Result: &frontendv1.Response_Parse{Parse: res}}
}

// nameFeatures fills in the features of a build that does not list them.
func nameFeatures(r *frontendv1.ParseResponse) {
	if b := r.GetBuild(); b != nil && len(b.GetFeatures()) == 0 {
		b.Features = ir.SourceFeatures(b)
	}
}

func failure(id uint64, code frontendv1.Code, message string) *frontendv1.Response {
	return &frontendv1.Response{Id: id, Result: &frontendv1.Response_Failure{
		Failure: &frontendv1.Failure{Code: code, Message: message},
	}}
}

// panicText says what fmt would of the usual panic values.
func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case string:
		return v
	case interface{ String() string }:
		return v.String()
	default:
		return "a value that is no text"
	}
}

func stack() string {
	b := make([]byte, 16<<10)
	return string(b[:runtime.Stack(b, false)])
}
