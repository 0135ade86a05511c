// SPDX-License-Identifier: Apache-2.0

package frontend_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// echo reports the name and content as diagnostics; it prints, panics or
// returns nothing when the content says so.
var echo = frontend.Func(func(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	switch string(r.GetContent()) {
	case "print":
		fmt.Println("a stray print")
	case "panic":
		panic("the parser is confused")
	case "index":
		_ = r.GetContent()[len(r.GetContent())]
	case "nil":
		return nil
	}
	return &frontendv1.ParseResponse{Diagnostics: []*diagv1.Diagnostic{
		{Message: r.GetName()}, {Message: string(r.GetContent())},
	}}
})

// TestMain is also the main function of a native frontend.
func TestMain(m *testing.M) {
	if os.Getenv("FRONTEND_TEST_MAIN") != "" {
		frontend.Main(echo)
	}
	os.Exit(m.Run())
}

func request(t *testing.T, id uint64, content string) []byte {
	t.Helper()
	b, err := frontend.AppendParse(nil, id, &frontendv1.ParseRequest{Name: "f", Content: []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// responses reads all responses there are.
func responses(t *testing.T, out []byte) []*frontendv1.Response {
	t.Helper()
	var all []*frontendv1.Response
	in := reader(out)
	for {
		res := &frontendv1.Response{}
		err := frontend.ReadMessage(in, res, 1<<20)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, res)
	}
}

func TestServeAnswersInOrderUntilTheEnd(t *testing.T) {
	in := append(request(t, 1, "a"), request(t, 900, "b")...)
	var out bytes.Buffer
	if err := frontend.Serve(echo, bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	got := responses(t, out.Bytes())
	if len(got) != 2 || got[0].GetId() != 1 || got[1].GetId() != 900 ||
		got[1].GetParse().GetDiagnostics()[1].GetMessage() != "b" {
		t.Fatalf("got %v", got)
	}
}

func TestServeFailures(t *testing.T) {
	grease := []byte{0x08, 0x2a, 0x9a, 0x3f, 0x01, 'x'} // id 42, field 1011
	for _, tt := range []struct {
		name, request string
		id            uint64
		code          frontendv1.Code
		err           error
	}{
		{"panic", string(request(t, 3, "panic")), 3, frontendv1.Code_CODE_INTERNAL, frontend.ErrPanic},
		{"runtime error", string(request(t, 3, "index")), 3, frontendv1.Code_CODE_INTERNAL, frontend.ErrPanic},
		{"no response", string(request(t, 3, "nil")), 3, frontendv1.Code_CODE_INTERNAL, nil},
		{"unknown method", string(rune(len(grease))) + string(grease), 42, frontendv1.Code_CODE_UNIMPLEMENTED, nil},
		{"malformed", "\x01\xff", 0, frontendv1.Code_CODE_INVALID_REQUEST, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			in := tt.request + string(request(t, 4, "after"))
			if err := frontend.Serve(echo, strings.NewReader(in), &out); err != tt.err {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			got := responses(t, out.Bytes())
			if got[0].GetId() != tt.id || got[0].GetFailure().GetCode() != tt.code || got[0].GetFailure().GetMessage() == "" {
				t.Errorf("got %v", got[0])
			}
			if wantAfter := tt.err == nil; (len(got) == 2) != wantAfter {
				t.Errorf("%d responses; a second one is wanted: %v", len(got), wantAfter)
			}
		})
	}
}

func TestServeEndsOnABrokenStream(t *testing.T) {
	for _, in := range []string{"\x05ab", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if err := frontend.Serve(echo, strings.NewReader(in), io.Discard); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}

func TestServeNamesTheFeatures(t *testing.T) {
	f := frontend.Func(func(*frontendv1.ParseRequest) *frontendv1.ParseResponse {
		run := &irv1.Step{Op: &irv1.Step_Run{Run: &irv1.Run{Command: &irv1.Command{Shell: true, Words: []*irv1.Word{{Text: "true"}}}}}}
		return &frontendv1.ParseResponse{Build: &irv1.Build{Kind: &irv1.Build_Container{Container: &irv1.Container{
			Stages: []*irv1.Stage{{Base: &irv1.Word{Text: "scratch"}, Steps: []*irv1.Step{run}}},
		}}}}
	})
	res, err := frontend.NewClient(f).Parse(&frontendv1.ParseRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := res.GetBuild().GetFeatures(); len(got) == 0 {
		t.Error("the build names no features")
	}
}

func TestClientReportsFailures(t *testing.T) {
	c := frontend.NewClient(echo)
	_, err := c.Parse(&frontendv1.ParseRequest{Content: []byte("panic")})
	var f *frontend.Failure
	if !errors.As(err, &f) || f.Code != frontendv1.Code_CODE_INTERNAL || !strings.Contains(f.Message, "the parser is confused") {
		t.Fatalf("got %v", err)
	}
	if res, err := c.Parse(&frontendv1.ParseRequest{Name: "n"}); err != nil || res.GetDiagnostics()[0].GetMessage() != "n" {
		t.Fatalf("after a failure: %v, %v", res, err)
	}
}

// native runs this test binary as a frontend.
func native(t *testing.T, stdin []byte) (stdout []byte, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FRONTEND_TEST_MAIN=1")
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.Bytes(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestMainKeepsStdoutClean(t *testing.T) {
	out, stderr, code := native(t, append(request(t, 1, "print"), request(t, 2, "x")...))
	if code != 0 || len(responses(t, out)) != 2 || !strings.Contains(stderr, "a stray print") {
		t.Fatalf("code %d, stdout %q, stderr %q", code, out, stderr)
	}
}

func TestMainTellsWhyItEnds(t *testing.T) {
	out, stderr, code := native(t, request(t, 1, "panic"))
	if code != 1 || len(responses(t, out)) != 1 || !strings.Contains(stderr, "the parser is confused") {
		t.Fatalf("code %d, stdout %q, stderr %q", code, out, stderr)
	}
}
