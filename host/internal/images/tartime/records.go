// SPDX-License-Identifier: Apache-2.0

package tartime

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxExtended bounds an extended header, which is read into memory.
const maxExtended = 1 << 20

// record is one record of an extended header (POSIX pax).
type record struct{ key, value string }

// readRecords reads the data of an extended header.
func (r *rewriter) readRecords(b *block) ([]record, error) {
	size, err := b.size()
	if err != nil {
		return nil, err
	}
	if size > maxExtended {
		return nil, fmt.Errorf("%w: an extended header of %d bytes is refused", ErrTar, size)
	}
	data := make([]byte, padded(size))
	if _, err := io.ReadFull(r.src, data); err != nil {
		return nil, unexpected(err)
	}
	return parseRecords(data[:size])
}

// parseRecords splits "length key=value\n" lines.
func parseRecords(data []byte) ([]record, error) {
	var records []record
	for len(data) > 0 {
		digits, _, _ := bytes.Cut(data, []byte(" "))
		n, err := strconv.Atoi(string(digits))
		if err != nil || n <= len(digits)+1 || n > len(data) || data[n-1] != '\n' {
			return nil, fmt.Errorf("%w: a malformed extended header", ErrTar)
		}
		key, value, ok := strings.Cut(string(data[len(digits)+1:n-1]), "=")
		if !ok {
			return nil, fmt.Errorf("%w: a malformed extended header", ErrTar)
		}
		records = append(records, record{key, value})
		data = data[n:]
	}
	return records, nil
}

// volatile are the records that go: times, and names and numbers that only
// mean something where the tar was made.
var volatile = []string{
	"atime", "ctime", "uname", "gname", "LIBARCHIVE.creationtime",
	"SCHILY.dev", "SCHILY.ino", "SCHILY.nlink",
}

// clampRecords applies the rule to records; later says that a modification
// time after the epoch was among them, which the header then has to say. The
// order of GNU's sparse records among themselves is part of their meaning.
func clampRecords(records []record, epoch int64) (kept []record, later bool) {
	for _, rec := range records {
		switch {
		case slices.Contains(volatile, rec.key):
		case rec.key == "mtime" && isAfter(rec.value, epoch):
			later = true
		default:
			kept = append(kept, rec)
		}
	}
	slices.SortStableFunc(kept, func(a, b record) int { return cmp.Compare(sortKey(a), sortKey(b)) })
	return kept, later
}

func sortKey(r record) string {
	if strings.HasPrefix(r.key, "GNU.sparse.") {
		return "GNU.sparse."
	}
	return r.key
}

// isAfter compares a time in seconds, perhaps with a fraction, to an epoch
// that is not negative.
func isAfter(text string, epoch int64) bool {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return !strings.HasPrefix(text, "-")
	}
	return n > epoch || n == epoch && strings.Trim(fraction, "0") != "" && !strings.HasPrefix(text, "-")
}

// writeRecords writes an extended header, unless it would be empty.
func (r *rewriter) writeRecords(kind byte, records []record) error {
	if len(records) == 0 {
		return nil
	}
	var data bytes.Buffer
	for _, rec := range records {
		data.WriteString(rec.format())
	}
	var b block
	b.put(fieldName, "PaxHeaders.0/entry")
	b.putOctal(fieldMode, 0o644)
	b.putOctal(fieldUID, 0)
	b.putOctal(fieldGID, 0)
	b.putOctal(fieldSize, int64(data.Len()))
	b.putOctal(fieldMtime, 0)
	b[fieldType.at] = kind
	b.put(fieldMagic, "ustar\x0000")
	b.seal()
	if _, err := r.dst.Write(b[:]); err != nil {
		return err
	}
	data.Write(make([]byte, padded(int64(data.Len()))-int64(data.Len())))
	_, err := r.dst.Write(data.Bytes())
	return err
}

// format writes a record; its length counts its own digits.
func (r record) format() string {
	rest := " " + r.key + "=" + r.value + "\n"
	n := len(rest)
	for n != len(rest)+len(strconv.Itoa(n)) {
		n = len(rest) + len(strconv.Itoa(n))
	}
	return strconv.Itoa(n) + rest
}
