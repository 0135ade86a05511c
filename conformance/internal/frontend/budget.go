// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bytes"
	"context"
	"os"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// The budgets of SPEC.md, F15 to F18.
const (
	maxStart  = time.Second
	maxCheck  = 50 * time.Millisecond
	maxModule = 16 << 20
	maxGrowth = 8 << 20
)

// budgetCases measure, each while nothing else runs.
func (p *plugin) budgetCases() []suite.Case {
	list := []suite.Case{
		{Name: section + "budget-start", About: "the first answer comes within a second of the start, once the module is translated", Spec: []string{"F15"}, Run: p.startTime},
		{Name: section + "budget-check", About: "a file of 50 lines is answered within 50 ms by an instance that runs", Spec: []string{"F16"}, Run: p.checkTime},
		{Name: section + "budget-module", About: "the module is not larger than 16 MiB", Spec: []string{"F17"}, Run: p.moduleSize},
		{Name: section + "budget-memory", About: "from the 100th to the 1,000th request memory grows by 8 MiB at most", Spec: []string{"F18"}, Run: p.memory},
	}
	for i := range list {
		list[i].Level, list[i].Alone, list[i].After = suite.Should, true, []string{first}
	}
	return list
}

// startTime measures the best of some starts: what the machine does besides is
// not the frontend's fault.
func (p *plugin) startTime(ctx context.Context, t *suite.T) {
	request := &frontendv1.ParseRequest{Name: p.file, Content: []byte("x\n")}
	best := time.Hour
	for range 4 {
		began := time.Now()
		s, err := p.start()
		if err != nil {
			t.Fatalf("died", "%v", err)
		}
		_, err = s.ask(ctx, 1, request)
		best = min(best, time.Since(began))
		s.end()
		if err != nil {
			t.Fatalf("died", "%v", err)
		}
	}
	if t.Tracef("the first answer came after %v", best); best > maxStart {
		t.Failf("timeout", "the first answer comes %v after the start, and should within %v", best, maxStart)
	}
}

func (p *plugin) checkTime(ctx context.Context, t *suite.T) {
	request := &frontendv1.ParseRequest{Name: p.file, Content: p.ordinary()}
	best := time.Hour
	for range 20 {
		began := time.Now()
		if _, err := p.resident.ask(ctx, request); err != nil {
			t.Fatalf("died", "%v", err)
		}
		best = min(best, time.Since(began))
	}
	if t.Tracef("the answer came after %v", best); best > maxCheck {
		t.Fail(suite.Problem{
			Class: "timeout", Message: "a file of 50 lines takes " + best.String() + ", and should take at most " + maxCheck.String(),
			Input: shown(request.GetContent()),
		})
	}
}

// ordinary is a text of about 50 lines: texts of the vectors that have no
// errors, or lines of no language.
func (p *plugin) ordinary() []byte {
	const lines = 50
	var best []byte
	for _, v := range p.texts {
		n := bytes.Count(v.Content, []byte("\n"))
		if v.Expect == "ok" && n <= lines && n > bytes.Count(best, []byte("\n")) {
			best = v.Content
		}
	}
	if best == nil {
		return bytes.Repeat([]byte("a: b\n"), lines)
	}
	return best
}

func (p *plugin) moduleSize(_ context.Context, t *suite.T) {
	info, err := os.Stat(p.Main)
	if err != nil {
		t.Fatalf("suite", "%v", err)
	}
	if info.Size() > maxModule {
		t.Failf("ok", "the module has %d bytes, and should have at most %d", info.Size(), maxModule)
	}
}

// memory compares what an instance holds after 100 and after 1,000 requests of
// all sorts.
func (p *plugin) memory(ctx context.Context, t *suite.T) {
	s, err := p.start()
	if err != nil {
		t.Fatalf("died", "%v", err)
	}
	defer s.end()
	texts := p.requests()
	var early uint64
	for i := range 1000 {
		if _, err := s.ask(ctx, uint64(i), texts[i%len(texts)]); err != nil {
			t.Fatalf("died", "request %d: %v", i, err)
		}
		if i == 100 {
			early = s.Memory()
		}
	}
	late := s.Memory()
	if early == 0 || late == 0 {
		t.CannotRun("the memory of what runs here is not known")
	}
	if t.Tracef("%d bytes, later %d", early, late); late > early+maxGrowth {
		t.Failf("leak", "its memory has %d bytes after 100 requests and %d after 1,000", early, late)
	}
}
