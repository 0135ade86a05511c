// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"math"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// units are those of Rust's humantime, which the format takes its durations
// from.
var units = map[string]time.Duration{
	"ns": 1, "nsec": 1, "nanos": 1,
	"us": time.Microsecond, "usec": time.Microsecond, "µs": time.Microsecond,
	"ms": time.Millisecond, "msec": time.Millisecond, "millis": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day,
	"w": 7 * day, "wk": 7 * day, "wks": 7 * day, "week": 7 * day, "weeks": 7 * day,
	"M": month, "month": month, "months": month,
	"y": year, "yr": year, "yrs": year, "year": year, "years": year,
}

const (
	day   = 24 * time.Hour
	month = 2_630_016 * time.Second  // 30.44 days
	year  = 31_557_600 * time.Second // 365.25 days
)

// duration reads a duration and writes it as Go does.
func (p *parser) duration(f *field) *irv1.Word {
	n, ok := p.text(f)
	if !ok {
		return nil
	}
	d, ok := parseDuration(n.value)
	switch {
	case !ok:
		p.error(n.span, "bad-duration", quote(n.value)+" is not a duration for "+quote(f.name())).Help =
			`write whole numbers with units, as in "30s" or "1m 30s"`
	case d > 0 && d < time.Millisecond:
		p.error(n.span, "bad-duration", quote(n.value)+" is less than a millisecond").Help = `write at least "1ms", or "0s" for the default`
	default:
		return &irv1.Word{Text: d.String(), Range: p.rangeOf(n.span)}
	}
	return nil
}

// parseDuration reads whole numbers, each with a unit: "1h 30min". Space may
// stand anywhere between. A lone 0 needs no unit.
func parseDuration(s string) (total time.Duration, ok bool) {
	if s == "0" {
		return 0, true
	}
	for s = skipBlank(s); s != ""; s = skipBlank(s) {
		digits := 0
		for digits < len(s) && isDigits(s[digits:digits+1]) {
			digits++
		}
		var n int64
		for _, c := range []byte(s[:digits]) {
			if n > (math.MaxInt64-9)/10 {
				return 0, false
			}
			n = 10*n + int64(c-'0')
		}
		s = skipBlank(s[digits:])
		letters := 0
		for letters < len(s) && !blank(s[letters]) && !isDigits(s[letters:letters+1]) {
			letters++
		}
		unit, known := units[s[:letters]]
		if digits == 0 || !known || n > int64((math.MaxInt64-total)/unit) {
			return 0, false
		}
		total, ok = total+time.Duration(n)*unit, true
		s = s[letters:]
	}
	return total, ok
}

func skipBlank(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	return s
}
