// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// words are what follows the verb of a line; what is understood is taken out.
type words []string

// flag takes a word out and reports whether it was there.
func (w *words) flag(word string) bool {
	i := slices.Index(*w, word)
	if i < 0 {
		return false
	}
	*w = slices.Delete(slices.Clone(*w), i, i+1)
	return true
}

// value takes "KEY VALUE" out. Without it, it returns def.
func (w *words) value(key, def string) string {
	i := slices.Index(*w, key)
	if i < 0 || i+1 >= len(*w) {
		return def
	}
	v := (*w)[i+1]
	*w = slices.Delete(slices.Clone(*w), i, i+2)
	return v
}

// setting takes "KEY=VALUE" out.
func (w *words) setting(key string) (value string, ok bool) {
	i := slices.IndexFunc(*w, func(word string) bool { return strings.HasPrefix(word, key+"=") })
	if i < 0 {
		return "", false
	}
	value = (*w)[i][len(key)+1:]
	*w = slices.Delete(slices.Clone(*w), i, i+1)
	return value, true
}

// next takes the first word out.
func (w *words) next() string {
	if len(*w) == 0 {
		return ""
	}
	first := (*w)[0]
	*w = (*w)[1:]
	return first
}

// amount reads "50M", "10k" or a number.
func amount(text string) (int64, error) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"k": 1 << 10, "M": 1 << 20} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = number, n
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of bytes", text)
	}
	return n * unit, nil
}

// within takes "within DURATION" out.
func (p *play) within(w *words, def time.Duration) time.Duration {
	text := w.value("within", "")
	if text == "" {
		return def
	}
	d, err := time.ParseDuration(text)
	p.check(err)
	return d
}
