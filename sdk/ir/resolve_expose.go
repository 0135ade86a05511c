// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// expose applies EXPOSE. A word may expand to several ports.
func (s *stage) expose(list *irv1.Words) {
	for _, w := range list.GetWords() {
		at := orElse(w.Range, s.step.Range)
		specs, res, err := s.lex().Words(w.GetText(), envOf(s.env))
		if err != nil {
			s.expansionError(w, at, err)
			continue
		}
		s.warnUnset(res.Unset, at)
		for _, spec := range specs {
			ports, bad := parsePorts(spec)
			if bad != "" {
				s.error("bad-port", at, quote(spec)+" "+bad, "write a port or a range, with an optional protocol: 80, 8000-8010/udp")
			}
			s.config.ExposedPorts = append(s.config.ExposedPorts, ports...)
		}
	}
}

// parsePorts reads port[-port][/protocol] into one "port/protocol" a port. As
// Docker it takes, and drops, an address and a port of the host before it:
// "127.0.0.1:8080:80". bad says what is wrong, "" for nothing.
func parsePorts(spec string) (ports []string, bad string) {
	if i := strings.LastIndexByte(spec, ':'); i >= 0 {
		spec = spec[i+1:]
	}
	numbers, proto, _ := strings.Cut(spec, "/")
	proto = strings.ToLower(proto)
	switch proto {
	case "":
		proto = "tcp"
	case "tcp", "udp", "sctp":
	default:
		return nil, "has an unknown protocol; there are tcp, udp and sctp"
	}
	from, to, isRange := strings.Cut(numbers, "-")
	first, ok1 := parsePort(from)
	last, ok2 := first, true
	if isRange {
		last, ok2 = parsePort(to)
	}
	if !ok1 || !ok2 {
		return nil, "is not a port from 0 to 65535"
	}
	if last < first {
		return nil, "is a range that ends before it starts"
	}
	for p := first; p <= last; p++ {
		ports = append(ports, strconv.Itoa(p)+"/"+proto)
	}
	return ports, ""
}

func parsePort(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil
}
