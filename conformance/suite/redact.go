// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// redact replaces secrets in everything that is reported.
func redact(r *Result, secrets []string) {
	hide := hider(secrets)
	texts := []*string{&r.Why, &r.Input}
	for i := range r.Problems {
		p := &r.Problems[i]
		texts = append(texts, &p.Message, &p.Input, &p.Want, &p.Got)
	}
	for i := range r.Trace {
		texts = append(texts, &r.Trace[i])
	}
	for _, text := range texts {
		*text = hide.Replace(*text)
	}
}

// hider replaces secrets, as they are and in the forms that reports and
// messages have text in. Where one begins with another, the longer one counts.
func hider(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted := strconv.Quote(s)
		forms = append(forms, s, quoted[1:len(quoted)-1], base64.StdEncoding.EncodeToString([]byte(s)))
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, f := range forms {
		pairs = append(pairs, f, "[secret]")
	}
	return strings.NewReplacer(pairs...)
}
