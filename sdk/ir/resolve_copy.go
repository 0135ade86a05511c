// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"path"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir/expand"
)

// transfer resolves COPY and ADD.
func (s *stage) transfer(c *irv1.Copy, add bool) *irv1.Transfer {
	t := &irv1.Transfer{
		Add:        add,
		From:       &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT},
		Link:       s.flag("--link", c.Link),
		Parents:    s.flag("--parents", c.Parents),
		KeepGitDir: s.flag("--keep-git-dir", c.KeepGitDir),
		Exclude:    literal(c.Exclude),
		Chown:      s.optional(c.Chown),
		Chmod:      s.optional(c.Chmod),
		Checksum:   s.optional(c.Checksum),
		Inline:     s.inline(c.Inline),
	}
	if c.From != nil {
		t.From = s.from(c.From, "--from", true)
	}
	if c.Unpack != nil {
		t.Unpack = irv1.Unpack_UNPACK_NEVER
		if s.flag("--unpack", c.Unpack) {
			t.Unpack = irv1.Unpack_UNPACK_ALWAYS
		}
	}
	for _, w := range c.Sources {
		if p, ok := s.source(w, t); ok {
			t.Sources = append(t.Sources, p)
		}
	}
	if dest, ok := s.word(c.Destination); ok {
		t.Destination = s.destination(dest)
	}
	s.checkOwner(c, t)
	s.checkChecksum(c, t)
	return t
}

// optional expands the value of a flag that may be absent.
func (s *stage) optional(w *irv1.Word) string {
	if w == nil {
		return ""
	}
	v, _ := s.word(w)
	return v
}

// flag reads a boolean flag. Without a value it is on.
func (s *stage) flag(name string, w *irv1.Word) bool {
	if w == nil {
		return false
	}
	switch strings.ToLower(w.Text) {
	case "", "true":
		return true
	case "false":
		return false
	}
	s.badValue(name, w, "true and false")
	return false
}

// inline expands the here-documents of COPY and ADD. In them quotes are text,
// and the escape character is always the backslash.
func (s *stage) inline(list []*irv1.Heredoc) []*irv1.InlineFile {
	var out []*irv1.InlineFile
	for _, h := range list {
		content := h.Content
		if h.Expand {
			at := orElse(h.Body, s.step.Range)
			res, err := expand.Lex{KeepQuotes: true}.Word(content, envOf(s.env))
			if err != nil {
				s.expansionError(&irv1.Word{Text: content}, at, err)
				continue
			}
			s.warnUnset(res.Unset, at)
			content = res.Text
		}
		out = append(out, &irv1.InlineFile{Name: h.Name, Content: []byte(content)})
	}
	return out
}

// source resolves one source.
func (s *stage) source(w *irv1.Word, t *irv1.Transfer) (string, bool) {
	v, ok := s.word(w)
	if !ok {
		return "", false
	}
	at := orElse(w.Range, s.step.Range)
	if Remote(v) != RemoteNone {
		if !t.Add {
			s.error("remote-copy", at, "COPY cannot read the URL "+quote(v), "use ADD")
		}
		return v, true
	}
	clean, ok := cleanSource(v, t.Parents)
	if !ok {
		s.error("path-escape", at, "the source "+quote(v)+" is outside of what is copied from",
			`sources cannot leave their root with ".."; use a context that holds the file`)
	}
	return clean, ok
}

// cleanSource cleans a source. With --parents the "/./" stays that says where
// the kept parents begin.
func cleanSource(p string, parents bool) (string, bool) {
	before, after, pivot := strings.Cut(p, "/./")
	if !parents || !pivot {
		return cleanRelative(p)
	}
	head, ok1 := cleanRelative(before)
	tail, ok2 := cleanRelative(after)
	return head + "/./" + tail, ok1 && ok2
}

// cleanRelative makes a path relative to its root and cleans it. It returns
// false for one that leaves the root.
func cleanRelative(p string) (string, bool) {
	clean := path.Clean(strings.TrimLeft(p, "/"))
	if strings.HasPrefix(p, "/") {
		clean = strings.TrimPrefix(path.Clean(p), "/")
	}
	if clean == "" {
		clean = "."
	}
	return clean, clean != ".." && !strings.HasPrefix(clean, "../")
}

// destination makes a destination absolute. A final "/" stays: it says that it
// is a directory; so do a final "/." and the working directory itself.
func (s *stage) destination(p string) string {
	out := s.absolute(p)
	dir := p == "" || p == "." || strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.")
	if dir && out != "/" {
		out += "/"
	}
	return out
}

// checkOwner checks --chown and --chmod.
func (s *stage) checkOwner(c *irv1.Copy, t *irv1.Transfer) {
	if t.Link && t.Chown != "" && strings.Trim(t.Chown, "0123456789:") != "" {
		s.error("chown-name", orElse(c.Chown.GetRange(), s.step.Range),
			"--chown="+t.Chown+" needs the files of the stage to look up names, which --link does not read", "use numbers, as in --chown=1000:1000")
	}
	if t.Chmod != "" && !IsMode(t.Chmod) {
		s.error("bad-mode", orElse(c.Chmod.GetRange(), s.step.Range), quote(t.Chmod)+" is not a file mode",
			"write an octal mode up to 7777, or a symbolic one such as u=rwX,go=rX")
	}
}

// checkChecksum checks that --checksum goes with its one remote source.
func (s *stage) checkChecksum(c *irv1.Copy, t *irv1.Transfer) {
	if t.Checksum == "" {
		return
	}
	at := orElse(c.Checksum.GetRange(), s.step.Range)
	if len(t.Sources) != 1 || len(t.Inline) > 0 {
		s.error("bad-checksum", at, "--checksum goes with exactly one source", "use one ADD for each source")
		return
	}
	switch Remote(t.Sources[0]) {
	case RemoteNone:
		s.error("bad-checksum", at, "--checksum goes with a URL or git repository, not with a local file", "")
	case RemoteURL:
		if !validDigest(t.Checksum) {
			s.error("bad-checksum", at, quote(t.Checksum)+" is not a digest", "write sha256: and 64 hexadecimal digits")
		}
	case RemoteGit:
		if !isHex(t.Checksum) {
			s.error("bad-checksum", at, quote(t.Checksum)+" is not a commit", "write the commit's hash")
		}
	}
}

// IsMode says whether m is a file mode as chmod takes it: octal up to 7777, or
// symbolic clauses.
func IsMode(m string) bool {
	if isOctal(m) {
		return len(strings.TrimLeft(m, "0")) <= 4
	}
	for clause := range strings.SplitSeq(m, ",") {
		ops := strings.TrimLeft(clause, "ugoa")
		if ops == "" {
			return false
		}
		for ops != "" {
			if strings.IndexByte("+-=", ops[0]) < 0 {
				return false
			}
			ops = strings.TrimLeft(ops[1:], "rwxXstugo")
		}
	}
	return true
}
