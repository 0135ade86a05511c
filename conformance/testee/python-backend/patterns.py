# SPDX-License-Identifier: Apache-2.0
"""Patterns: those of sources, as Go's path.Match has them, and of ignore files."""

import re


def regex(pattern, deep):
    """Return a pattern as a regular expression; deep knows "**"."""
    out, i = "", 0
    while i < len(pattern):
        c, i = pattern[i], i + 1
        if deep and pattern.startswith("**", i - 1):
            i += 1
            if i == len(pattern):
                out += ".*"
            else:
                i += pattern.startswith("/", i)
                out += "(?:.*/)?"
        elif c == "*":
            out += "[^/]*"
        elif c == "?":
            out += "[^/]"
        elif c == "[":
            end = pattern.index("]", i + 1)
            inside, i = pattern[i:end], end + 1
            negated = inside.startswith("^")
            inside = re.sub(r"\\?([^-])", lambda m: re.escape(m[1]), inside[negated:])
            out += "[%s%s]" % ("^/" if negated else "", inside)
        else:
            if c == "\\" and i < len(pattern):
                c, i = pattern[i], i + 1
            out += re.escape(c)
    return out


def is_pattern(word):
    """Report whether a source is a pattern: it has a wildcard that is not escaped."""
    return re.search(r"[*?\[]", re.sub(r"\\.", "", word)) is not None


class Hidden:
    """The patterns of an ignore file or of "exclude"; the last one that matches decides."""

    def __init__(self, patterns):
        self.rules = []
        for p in patterns:
            kept = p.startswith("!")
            clean = "/".join(s for s in p[kept:].strip().split("/") if s not in ("", "."))
            if clean:
                self.rules.append((kept, re.compile(regex(clean, True) + "(?:/.*)?", re.S)))

    def __call__(self, path):
        hidden = False
        for kept, rule in self.rules:
            if rule.fullmatch(path):
                hidden = not kept
        return hidden

    def puts_back(self):
        """Report whether something below what is hidden may be shown."""
        return any(kept for kept, _ in self.rules)


class Mode:
    """An octal or symbolic mode."""

    def __init__(self, text):
        self.octal = int(text, 8) if re.fullmatch("[0-7]+", text) else None
        self.clauses = [] if text == "" or self.octal is not None else [
            re.fullmatch("([ugoa]*)([-+=])([rwxXstugo]*)", clause).groups() for clause in text.split(",")]

    def of(self, mode, is_dir):
        """Return what becomes of a mode."""
        if self.octal is not None:
            return self.octal
        for who, how, what in self.clauses:
            mode = self.change(mode, is_dir, who or "a", how, what)
        return mode

    @staticmethod
    def change(mode, is_dir, who, how, what):
        shifts = [shift for letter, shift in (("u", 6), ("g", 3), ("o", 0)) if letter in who or "a" in who]
        bits = keep = 0
        for shift in shifts:
            keep |= 7 << shift
            for letter in what:
                bits |= {"r": 4, "w": 2, "x": 1, "X": bool(is_dir or mode & 0o111),
                         "u": mode >> 6 & 7, "g": mode >> 3 & 7, "o": mode & 7}.get(letter, 0) << shift
            if "s" in what and shift:
                bits |= 0o4000 if shift == 6 else 0o2000
        if "t" in what:
            bits |= 0o1000
        if how == "=":
            return mode & ~keep | bits
        return mode | bits if how == "+" else mode & ~bits
