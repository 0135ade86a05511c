// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strconv"
	"strings"
	"time"
)

// The functions named wrong... say what is wrong with a value, "" when nothing
// is.

// wrongDuration checks a Go duration of nothing or at least a millisecond.
func wrongDuration(s string) string {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return quote(s) + " is no duration such as 30s, 5m or 1m30s"
	case d != 0 && d < time.Millisecond:
		return quote(s) + " is shorter than 1ms"
	}
	return ""
}

// wrongCount checks a number of retries.
func wrongCount(s string) string {
	if n, err := strconv.ParseInt(s, 10, 32); err != nil || n < 0 {
		return quote(s) + " is no whole number from 0 on"
	}
	return ""
}

// wrongID checks a numeric user or group.
func wrongID(s string) string {
	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return quote(s) + " is no whole number"
	}
	return ""
}

// wrongOctal checks the mode of a mount.
func wrongOctal(s string) string {
	if _, err := strconv.ParseUint(s, 8, 32); err != nil {
		return quote(s) + " is no octal number such as 0600"
	}
	return ""
}

func parseBool(s string) (value, ok bool) {
	value, err := strconv.ParseBool(s)
	return value, err == nil
}

func wrongBool(s string) string {
	if _, ok := parseBool(s); !ok {
		return quote(s) + " is neither true nor false"
	}
	return ""
}

// wrongSize checks a number of bytes with an optional unit: 64m, 1.5GiB.
func wrongSize(s string) string {
	const wrong = " is no size such as 64m or 1g"
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	if _, err := strconv.ParseFloat(s[:i], 64); err != nil {
		return quote(s) + wrong
	}
	unit := strings.TrimSuffix(lower(strings.TrimPrefix(s[i:], " ")), "b")
	unit = strings.TrimSuffix(unit, "i")
	if len(unit) > 1 || strings.Trim(unit, "kmgtp") != "" {
		return quote(s) + wrong
	}
	return ""
}

// wrongMode checks a --chmod: octal up to 7777, or symbolic.
func wrongMode(s string) string {
	if s != "" && isDigit(s[0]) {
		if n, err := strconv.ParseUint(s, 8, 32); err != nil || n > 0o7777 {
			return quote(s) + " is no octal mode between 0 and 7777"
		}
		return ""
	}
	for clause := range strings.SplitSeq(s, ",") {
		if !isSymbolicMode(clause) {
			return quote(s) + " is neither an octal mode nor a symbolic one such as u+x,go=r"
		}
	}
	return ""
}

// isSymbolicMode checks one clause of a symbolic mode: who, and then at least
// once an operator and permissions.
func isSymbolicMode(s string) bool {
	s = strings.TrimLeft(s, "ugoa")
	if s == "" {
		return false
	}
	for s != "" {
		if !strings.ContainsRune("+-=", rune(s[0])) {
			return false
		}
		s = strings.TrimLeft(s[1:], "rwxXstugo")
	}
	return true
}

// digestSizes are the hex digits of each kind of digest.
var digestSizes = [...]struct {
	name string
	size int
}{{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}

// wrongChecksum checks an ADD --checksum: a digest for a URL, or the commit
// of a git repository.
func wrongChecksum(s string) string {
	name, hex, ok := strings.Cut(s, ":")
	if !ok {
		if isHex(s) && 7 <= len(s) && len(s) <= 64 {
			return ""
		}
		return quote(s) + " is neither a digest such as sha256:... nor a git commit"
	}
	for _, d := range digestSizes {
		if d.name != name {
			continue
		}
		if !isHex(hex) || len(hex) != d.size {
			return name + " is followed by " + strconv.Itoa(d.size) + " hexadecimal digits in lower case"
		}
		return ""
	}
	return quote(name) + " is no known digest: use sha256, sha384 or sha512"
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// wrongPlatform checks os[/arch[/variant]]; the os may carry a version in
// parentheses.
func wrongPlatform(s string) string {
	parts := strings.Split(s, "/")
	ok := len(parts) <= 3
	for i, part := range parts {
		if name, version, has := strings.Cut(part, "("); i == 0 && has && strings.HasSuffix(version, ")") {
			part = name
		}
		ok = ok && isPlatformPart(part)
	}
	if !ok {
		return quote(s) + " is no platform such as linux/amd64 or linux/arm/v7"
	}
	return ""
}

func isPlatformPart(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return s != ""
}

// port is what EXPOSE says of one port.
type port struct {
	protocol string
	// host says that an IP address or a port of the host is given too.
	host bool
	// wrong says what is wrong.
	wrong string
}

// parsePort reads [[ip:]host:]port[-port][/protocol].
func parsePort(s string) port {
	var x port
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		x.host = s[:i] != ""
		s = s[i+1:]
	}
	number, protocol, _ := strings.Cut(s, "/")
	x.protocol = protocol
	first, last, isRange := strings.Cut(number, "-")
	a, okA := parsePortNumber(first)
	b, okB := a, true
	if isRange {
		b, okB = parsePortNumber(last)
	}
	switch {
	case !okA || !okB:
		x.wrong = "is no number from 0 to 65535"
	case b < a:
		x.wrong = "is a range that ends before it begins"
	case protocol != "" && !containsFold([]string{"tcp", "udp", "sctp"}, protocol):
		x.wrong = "has a protocol other than tcp, udp and sctp"
	}
	return x
}

func parsePortNumber(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil
}

// signals are the names of Linux's signals, without SIG.
const signals = "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV " +
	"STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"

func signalNames() []string {
	list := strings.Fields(signals)
	for i := range list {
		list[i] = "SIG" + list[i]
	}
	return list
}

// isSignal reports whether s is the number or the name of a signal, with or
// without SIG, in any case. Real-time signals may have an offset.
func isSignal(s string) bool {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return n > 0
	}
	name := strings.TrimPrefix(upper(s), "SIG")
	for _, rt := range []string{"RTMIN+", "RTMAX-"} {
		if offset, ok := strings.CutPrefix(name, rt); ok {
			n, err := strconv.ParseUint(offset, 10, 8)
			return err == nil && 1 <= n && n <= 15
		}
	}
	for known := range strings.SplitSeq(signals, " ") {
		if name == known {
			return true
		}
	}
	return false
}
