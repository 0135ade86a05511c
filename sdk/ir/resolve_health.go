// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strconv"
	"strings"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// healthcheck applies HEALTHCHECK. Its options are never expanded.
func (s *stage) healthcheck(h *irv1.Healthcheck) {
	if h.GetTest() == nil {
		s.config.Healthcheck = &irv1.ImageHealthcheck{Test: []string{"NONE"}}
		return
	}
	test := append([]string{"CMD"}, literal(h.Test.Words)...)
	if h.Test.Shell {
		test[0] = "CMD-SHELL"
	}
	s.config.Healthcheck = &irv1.ImageHealthcheck{
		Test:          test,
		Interval:      s.duration("--interval", h.Interval),
		Timeout:       s.duration("--timeout", h.Timeout),
		StartPeriod:   s.duration("--start-period", h.StartPeriod),
		StartInterval: s.duration("--start-interval", h.StartInterval),
		Retries:       s.retries(h.Retries),
	}
}

// duration reads a duration: 0, or at least a millisecond.
func (s *stage) duration(flag string, w *irv1.Word) int64 {
	if w.GetText() == "" {
		return 0
	}
	d, err := time.ParseDuration(w.Text)
	at := orElse(w.Range, s.step.Range)
	if err != nil {
		s.error("bad-duration", at, flag+"="+w.Text+" is not a duration", `write a number and a unit, as in "30s" or "1m30s"`)
		return 0
	}
	if d != 0 && d < time.Millisecond {
		s.error("bad-duration", at, flag+"="+w.Text+" is less than a millisecond", "")
		return 0
	}
	return int64(d)
}

func (s *stage) retries(w *irv1.Word) int32 {
	if w.GetText() == "" {
		return 0
	}
	n, err := strconv.ParseInt(w.Text, 10, 32)
	if err != nil || n < 0 {
		s.error("bad-retries", orElse(w.Range, s.step.Range), "--retries="+w.Text+" is not a whole number, 0 or more", "")
		return 0
	}
	return int32(n)
}

// stopSignal applies STOPSIGNAL.
func (s *stage) stopSignal(w *irv1.Word) {
	v, ok := s.word(w)
	if !ok {
		return
	}
	if !IsSignal(v) {
		s.error("bad-signal", orElse(w.Range, s.step.Range), quote(v)+" is not a signal", "use a name such as SIGTERM, or a number")
		return
	}
	s.config.StopSignal = v
}

// signals are Linux's, without "SIG".
const signals = " ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV " +
	"STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ "

// IsSignal says whether s names or numbers a signal of Linux, as Docker has it:
// "SIGTERM", "term", "15", "RTMIN+3".
func IsSignal(s string) bool {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return n > 0
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if off, ok := strings.CutPrefix(name, "RTMIN"); ok {
		return realTime(off, "+", 15)
	}
	if off, ok := strings.CutPrefix(name, "RTMAX"); ok {
		return realTime(off, "-", 14)
	}
	return name != "" && !strings.Contains(name, " ") && strings.Contains(signals, " "+name+" ")
}

// realTime says whether an offset from RTMIN or RTMAX exists.
func realTime(offset, sign string, most int) bool {
	if offset == "" {
		return true
	}
	digits, ok := strings.CutPrefix(offset, sign)
	n, err := strconv.Atoi(digits)
	return ok && err == nil && n > 0 && n <= most && strconv.Itoa(n) == digits
}
