// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// Failure is a request that the frontend could not answer.
type Failure struct {
	// Code is the class.
	Code frontendv1.Code
	// Message is what happened.
	Message string
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// AppendParse appends a parse request to b as one frame.
func AppendParse(b []byte, id uint64, r *frontendv1.ParseRequest) ([]byte, error) {
	return AppendMessage(b, &frontendv1.Request{Id: id, Method: &frontendv1.Request_Parse{Parse: r}})
}

// DecodeParse decodes the answer to the parse request with the id. The frame
// may come from a hostile frontend. The error is a *Failure when the frontend
// reports one; any other error means that the frontend broke the protocol.
func DecodeParse(frame []byte, id uint64) (*frontendv1.ParseResponse, error) {
	if err := checkDepth(frame); err != nil {
		return nil, err
	}
	var res frontendv1.Response
	if err := res.UnmarshalVT(frame); err != nil {
		return nil, &SyntaxError{Err: err}
	}
	if res.GetId() != id {
		return nil, errors.New("response to request " + strconv.FormatUint(res.GetId(), 10) + ", want " + strconv.FormatUint(id, 10))
	}
	switch r := res.GetResult().(type) {
	case *frontendv1.Response_Parse:
		return r.Parse, nil
	case *frontendv1.Response_Failure:
		return nil, &Failure{Code: r.Failure.GetCode(), Message: r.Failure.GetMessage()}
	default:
		return nil, errors.New("response without a result")
	}
}

// Client calls a Frontend in this process, yet through the wire: what it
// returns went through the same encoding as from a module. It is for tests. It
// is not safe for concurrent use.
type Client struct {
	f  Frontend
	id uint64
}

// NewClient returns a client of f.
func NewClient(f Frontend) *Client { return &Client{f: f} }

// Parse sends one request. Its errors are those of Serve and DecodeParse.
func (c *Client) Parse(r *frontendv1.ParseRequest) (*frontendv1.ParseResponse, error) {
	c.id++
	request, err := AppendParse(nil, c.id, r)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	served := Serve(c.f, bytes.NewReader(request), &out)
	if out.Len() == 0 && served != nil {
		return nil, served
	}
	frame, err := ReadFrame(bufio.NewReader(&out), out.Len())
	if err != nil {
		return nil, err
	}
	return DecodeParse(frame, c.id)
}
