// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"context"
	"errors"
	"sync"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// resident is an instance that answers parse requests, one after the other, and
// is started again after it broke.
type resident struct {
	plugin *plugin
	mu     sync.Mutex
	now    *session
	id     uint64
}

// answer is a response to a parse request.
type answer struct {
	*frontendv1.ParseResponse
	// bytes are those of the response, its id aside.
	bytes []byte
}

// ask sends a parse request. The error is an *ending, which a *frontend.Failure
// may be inside of.
func (r *resident) ask(ctx context.Context, request *frontendv1.ParseRequest) (*answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		s, err := r.plugin.start()
		if err != nil {
			return nil, err
		}
		r.now = s
	}
	r.id++
	a, err := r.now.ask(ctx, r.id, request)
	if err != nil { // also after a failure: nobody knows what it left behind
		r.now.end()
		r.now = nil
	}
	return a, err
}

// end ends the instance.
func (r *resident) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now != nil {
		r.now.end()
		r.now = nil
	}
}

// ask sends a parse request and waits for its answer.
func (s *session) ask(ctx context.Context, id uint64, request *frontendv1.ParseRequest) (*answer, error) {
	frame, err := frontend.AppendParse(nil, id, request)
	if err != nil {
		return nil, err
	}
	s.write(frame, false)
	got, err := s.next(ctx)
	if err != nil {
		return nil, err
	}
	return decode(got, id)
}

// decode reads the answer to a parse request.
func decode(frame []byte, id uint64) (*answer, error) {
	res, err := frontend.DecodeParse(frame, id)
	var failure *frontend.Failure
	switch {
	case errors.As(err, &failure):
		return nil, endf("failure", "it answered with a failure, %s: %s", failure.Code, failure.Message)
	case errors.Is(err, frontend.ErrNested):
		return nil, &ending{class: "malformed", message: err.Error(), rule: "S6"}
	case err != nil:
		return nil, endf("malformed", "its answer is malformed: %v", err)
	}
	bytes, err := res.MarshalVT()
	return &answer{res, bytes}, err
}
