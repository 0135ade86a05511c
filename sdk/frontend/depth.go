// SPDX-License-Identifier: Apache-2.0

package frontend

import "errors"

// The generated decoder recurses as deep as the bytes say, and a Go program
// whose stack overflows cannot recover. One message of the protocol contains
// itself: Step, by its onbuild. So a frame is looked through for that one path
// before it is decoded.

// Field numbers on the way from Response to Step (frontend.proto,
// source.proto).
const (
	responseParse   = 2
	parseBuild      = 1
	buildContainer  = 3
	containerArgs   = 2
	containerStages = 3
	stageSteps      = 4
	stepOnbuild     = 20
)

// ErrNested is an answer in which an onbuild step holds another one (SPEC S6).
var ErrNested = errors.New("malformed message: onbuild inside onbuild")

var errMalformed = errors.New("malformed message: a field's tag or length is wrong")

// checkDepth refuses a Response in which an onbuild step holds another one.
func checkDepth(response []byte) error {
	return each(response, responseParse, func(parse []byte) error {
		return each(parse, parseBuild, func(build []byte) error {
			return each(build, buildContainer, checkContainer)
		})
	})
}

func checkContainer(container []byte) error {
	if err := each(container, containerArgs, checkStep); err != nil {
		return err
	}
	return each(container, containerStages, func(stage []byte) error {
		return each(stage, stageSteps, checkStep)
	})
}

func checkStep(step []byte) error {
	return each(step, stepOnbuild, func(inner []byte) error {
		return each(inner, stepOnbuild, func([]byte) error { return ErrNested })
	})
}

// each calls f with every length-delimited field of the number. It refuses
// whatever it does not understand, groups too, lest the decoder understand it
// differently.
func each(b []byte, number uint64, f func([]byte) error) error {
	for len(b) > 0 {
		tag, n := varint(b)
		if n == 0 || tag>>3 > maxFieldNumber {
			return errMalformed
		}
		b = b[n:]
		size, skip := fieldSize(b, tag&7)
		if skip > uint64(len(b)) || size > uint64(len(b))-skip {
			return errMalformed
		}
		if tag>>3 == number {
			if err := f(b[skip : skip+size]); err != nil {
				return err
			}
		}
		b = b[skip+size:]
	}
	return nil
}

const maxFieldNumber = 1<<29 - 1

// fieldSize returns the size of a field's value and of the length before it.
// For malformed bytes the sum is more than len(b).
func fieldSize(b []byte, wireType uint64) (size, skip uint64) {
	switch wireType {
	case 0:
		if _, n := varint(b); n > 0 {
			return uint64(n), 0
		}
	case 1:
		return 8, 0
	case 2:
		if size, n := varint(b); n > 0 {
			return size, uint64(n)
		}
	case 5:
		return 4, 0
	}
	return 0, uint64(len(b)) + 1
}

// varint returns the varint at the start of b and its size; 0 for none.
func varint(b []byte) (value uint64, n int) {
	for i, c := range b {
		if i == maxLength-1 && c > 1 {
			break
		}
		value |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}
