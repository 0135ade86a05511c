// SPDX-License-Identifier: Apache-2.0

package tartime

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxEpoch is the last second that a header holds in octal: in the year 2242.
const MaxEpoch = 1<<33 - 1

const (
	blockSize = 512
	// maxSize is more than any file has.
	maxSize = 1 << 60
)

// Fields of a header block (POSIX ustar; the last ones are GNU's and star's).
type field struct{ at, size int }

var (
	fieldName     = field{0, 100}
	fieldMode     = field{100, 8}
	fieldUID      = field{108, 8}
	fieldGID      = field{116, 8}
	fieldSize     = field{124, 12}
	fieldMtime    = field{136, 12}
	fieldChecksum = field{148, 8}
	fieldType     = field{156, 1}
	fieldMagic    = field{257, 8}
	fieldUname    = field{265, 32}
	fieldGname    = field{297, 32}
	fieldGNUTimes = field{345, 24}
	fieldGNUMore  = field{482, 1}
	fieldStarTail = field{508, 4}
	fieldStarTime = field{476, 24}
	fieldNextMore = field{504, 1}
)

type block [blockSize]byte

func (b *block) get(f field) []byte { return b[f.at : f.at+f.size] }

func (b *block) put(f field, text string) {
	clear(b.get(f))
	copy(b.get(f), text)
}

// ErrTar says that a tar is not well-formed.
var ErrTar = errors.New("the layer is not a well-formed tar")

// check compares the checksum; some old tars sum signed bytes.
func (b *block) check() error {
	want, err := b.number(fieldChecksum)
	if err != nil {
		return err
	}
	unsigned, signed := b.sums()
	if want != unsigned && want != signed {
		return fmt.Errorf("%w: a header has the wrong checksum", ErrTar)
	}
	return nil
}

func (b *block) sums() (unsigned, signed int64) {
	for i, c := range b {
		if i >= fieldChecksum.at && i < fieldChecksum.at+fieldChecksum.size {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return unsigned, signed
}

// number reads octal digits, or GNU's binary form.
func (b *block) number(f field) (int64, error) {
	raw := b.get(f)
	if raw[0]&0x80 != 0 {
		return binaryNumber(raw)
	}
	text := strings.Trim(string(raw), " \x00")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 8, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: number %q", ErrTar, text)
	}
	return n, nil
}

// binaryNumber reads a big-endian number in two's complement whose first bit
// is only a mark.
func binaryNumber(raw []byte) (int64, error) {
	negative := raw[0]&0x40 != 0
	var n uint64
	for i, c := range raw {
		if i == 0 {
			c &= 0x7f
			if negative {
				c |= 0x80
			}
		}
		if negative {
			c = ^c
		}
		if n>>55 != 0 {
			return 0, fmt.Errorf("%w: a number is too large", ErrTar)
		}
		n = n<<8 | uint64(c)
	}
	if negative {
		return ^int64(n), nil
	}
	return int64(n), nil
}

func (b *block) size() (int64, error) {
	n, err := b.number(fieldSize)
	if err == nil && (n < 0 || n > maxSize) {
		return 0, fmt.Errorf("%w: size %d", ErrTar, n)
	}
	return n, err
}

func (b *block) putOctal(f field, n int64) {
	b.put(f, fmt.Sprintf("%0*o", f.size-1, n))
}

func (b *block) seal() {
	unsigned, _ := b.sums()
	b.put(fieldChecksum, fmt.Sprintf("%06o\x00 ", unsigned))
}

// clean applies the rule to one header.
func (b *block) clean(epoch int64) error {
	mtime, err := b.number(fieldMtime)
	if err != nil {
		return err
	}
	if mtime > epoch {
		b.putOctal(fieldMtime, epoch)
	}
	switch magic := string(b.get(fieldMagic)); {
	case magic == "ustar  \x00":
		b.blankOwners()
		clear(b.get(fieldGNUTimes))
	case strings.HasPrefix(magic, "ustar"):
		b.blankOwners()
		if string(b.get(fieldStarTail)) == "tar\x00" {
			clear(b.get(fieldStarTime))
		}
	}
	b.seal()
	return nil
}

func (b *block) blankOwners() {
	clear(b.get(fieldUname))
	clear(b.get(fieldGname))
}
