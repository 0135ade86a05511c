// SPDX-License-Identifier: Apache-2.0

package frontend_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

func reader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

func TestReadFrame(t *testing.T) {
	sized := func(err error) bool { var e *frontend.SizeError; return errors.As(err, &e) }
	is := func(want error) func(error) bool { return func(err error) bool { return err == want } }
	failed := func(err error) bool { return err != nil }
	for _, tt := range []struct {
		name, in, want string
		err            func(error) bool
	}{
		{"empty stream", "", "", is(io.EOF)},
		{"empty frame", "\x00", "", nil},
		{"short", "\x03abc", "abc", nil},
		{"long way to write 3", "\x83\x00abc", "abc", nil},
		{"at the limit", "\x80\x01" + strings.Repeat("x", 128), strings.Repeat("x", 128), nil},
		{"over the limit", "\x81\x01" + strings.Repeat("x", 129), "", sized},
		{"claims 2^63", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "", sized},
		{"ends in the length", "\x80", "", is(io.ErrUnexpectedEOF)},
		{"ends before the body", "\x03", "", is(io.ErrUnexpectedEOF)},
		{"ends in the body", "\x03ab", "", is(io.ErrUnexpectedEOF)},
		{"length of 65 bits", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", "", failed},
		{"length without end", strings.Repeat("\xff", 20), "", failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := frontend.ReadFrame(reader([]byte(tt.in)), 128)
			if tt.err != nil {
				if !tt.err(err) {
					t.Fatalf("error %v is not the one expected", err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Fatalf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestWriteThenReadMessages(t *testing.T) {
	large := &frontendv1.Request{Id: 7, Method: &frontendv1.Request_Parse{Parse: &frontendv1.ParseRequest{
		Name: "Dockerfile", Content: bytes.Repeat([]byte("RUN true\n"), 1<<20),
	}}}
	var b bytes.Buffer
	for range 3 {
		if err := frontend.WriteMessage(&b, large); err != nil {
			t.Fatal(err)
		}
	}
	in := bufio.NewReader(&b)
	for range 3 {
		var got frontendv1.Request
		if err := frontend.ReadMessage(in, &got, frontend.MaxRequest); err != nil {
			t.Fatal(err)
		}
		if !got.EqualVT(large) {
			t.Fatal("the message changed on its way")
		}
	}
}

func TestReadMessageAfterAMalformedOneGoesOn(t *testing.T) {
	in := reader([]byte("\x01\xff\x02\x08\x05"))
	var m frontendv1.Request
	var syntax *frontend.SyntaxError
	if err := frontend.ReadMessage(in, &m, 10); !errors.As(err, &syntax) {
		t.Fatalf("got %v, want a *SyntaxError", err)
	}
	m.Reset()
	if err := frontend.ReadMessage(in, &m, 10); err != nil || m.GetId() != 5 {
		t.Fatalf("got id %d, %v; want 5", m.GetId(), err)
	}
}

// field returns one length-delimited field.
func field(number int, body []byte) []byte {
	tag := number<<3 | 2
	b := []byte{byte(tag)}
	if tag >= 0x80 {
		b = []byte{byte(tag) | 0x80, byte(tag >> 7)}
	}
	for n := len(body); ; n >>= 7 {
		if n < 0x80 {
			return append(append(b, byte(n)), body...)
		}
		b = append(b, byte(n)|0x80)
	}
}

// nested returns a response with onbuild inside onbuild.
func nested(depth int) []byte {
	// Built from the inside: the parts are written backwards.
	b := make([]byte, 0, depth*8)
	size := 0
	for range depth {
		var head []byte
		head = append(head, 0xa2, 0x01)
		for n := size; ; n >>= 7 {
			if n < 0x80 {
				head = append(head, byte(n))
				break
			}
			head = append(head, byte(n)|0x80)
		}
		for i := len(head) - 1; i >= 0; i-- {
			b = append(b, head[i])
		}
		size += len(head)
	}
	step := make([]byte, len(b))
	for i, c := range b {
		step[len(b)-1-i] = c
	}
	return field(2, field(1, field(3, field(3, field(4, step)))))
}

func TestDecodeParseRefusesWhatWouldOverflowTheStack(t *testing.T) {
	if _, err := frontend.DecodeParse(nested(1), 0); err != nil {
		t.Fatalf("one onbuild: %v", err)
	}
	for name, frame := range map[string][]byte{
		"in a stage":          nested(2_000_000),
		"after a group":       append([]byte{0x7b, 0x7c}, nested(2_000_000)...),
		"in an argument step": field(2, field(1, field(3, field(2, field(20, field(20, nil)))))),
		"long field number":   append([]byte{0x92, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00}, nested(2_000_000)...),
	} {
		if _, err := frontend.DecodeParse(frame, 0); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x03abc\x00\x01x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := reader(b)
		read := 0
		for {
			frame, err := frontend.ReadFrame(in, 1<<10)
			if err != nil {
				return
			}
			if read += len(frame); read > len(b) || len(frame) > 1<<10 {
				t.Fatalf("%d bytes came out of %d", read, len(b))
			}
		}
	})
}

func FuzzDecodeParse(f *testing.F) {
	f.Add(nested(1))
	f.Add(nested(3))
	f.Add(field(3, []byte("\x08\x03\x12\x04oops")))
	f.Fuzz(func(t *testing.T, b []byte) {
		res, err := frontend.DecodeParse(b, 0)
		if err != nil {
			return
		}
		again, err := res.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		var back frontendv1.ParseResponse
		if err := back.UnmarshalVT(again); err != nil || !back.EqualVT(res) {
			t.Fatalf("the response does not survive a second encoding: %v", err)
		}
	})
}
