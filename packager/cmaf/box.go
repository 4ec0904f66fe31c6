package cmaf

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every error about bytes that are not a CMAF chunk.
var ErrMalformed = errors.New("malformed CMAF chunk")

// fourCC is a box type (ISO/IEC 14496-12, 4.2).
type fourCC uint32

func (c fourCC) String() string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(c)))
}

const (
	boxStyp fourCC = 's'<<24 | 't'<<16 | 'y'<<8 | 'p'
	boxPrft fourCC = 'p'<<24 | 'r'<<16 | 'f'<<8 | 't'
	boxMoof fourCC = 'm'<<24 | 'o'<<16 | 'o'<<8 | 'f'
	boxMdat fourCC = 'm'<<24 | 'd'<<16 | 'a'<<8 | 't'
	boxMfhd fourCC = 'm'<<24 | 'f'<<16 | 'h'<<8 | 'd'
	boxTraf fourCC = 't'<<24 | 'r'<<16 | 'a'<<8 | 'f'
	boxTfhd fourCC = 't'<<24 | 'f'<<16 | 'h'<<8 | 'd'
	boxTfdt fourCC = 't'<<24 | 'f'<<16 | 'd'<<8 | 't'
	boxTrun fourCC = 't'<<24 | 'r'<<16 | 'u'<<8 | 'n'

	boxMoov fourCC = 'm'<<24 | 'o'<<16 | 'o'<<8 | 'v'
	boxTrak fourCC = 't'<<24 | 'r'<<16 | 'a'<<8 | 'k'
	boxMdia fourCC = 'm'<<24 | 'd'<<16 | 'i'<<8 | 'a'
	boxMdhd fourCC = 'm'<<24 | 'd'<<16 | 'h'<<8 | 'd'
	boxHdlr fourCC = 'h'<<24 | 'd'<<16 | 'l'<<8 | 'r'
)

// nextBox splits the first box off b. The body aliases b.
func nextBox(b []byte) (kind fourCC, body, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, nil, fmt.Errorf("%w: box header cut short", ErrMalformed)
	}
	size, header := uint64(binary.BigEndian.Uint32(b)), uint64(8)
	kind = fourCC(binary.BigEndian.Uint32(b[4:]))
	switch size {
	case 0: // To the end of the file (ISO/IEC 14496-12, 4.2.2).
		size = uint64(len(b))
	case 1:
		if len(b) < 16 {
			return 0, nil, nil, fmt.Errorf("%w: large box header cut short", ErrMalformed)
		}
		size, header = binary.BigEndian.Uint64(b[8:]), 16
	}
	if size < header || size > uint64(len(b)) {
		return 0, nil, nil, fmt.Errorf("%w: box size %d of %d bytes left", ErrMalformed, size, len(b))
	}
	return kind, b[header:size], b[size:], nil
}

// fields reads the big-endian fields of one box. The first read beyond the end
// sets bad, and all later reads give zero.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if f.bad || len(f.b) < n {
		f.bad = true
		return zeros[:n]
	}
	out := f.b[:n]
	f.b = f.b[n:]
	return out
}

var zeros [8]byte

func (f *fields) u32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }
func (f *fields) u64() uint64 { return binary.BigEndian.Uint64(f.take(8)) }

// full reads the version and flags of a FullBox.
func (f *fields) full() (version uint8, flags uint32) {
	v := f.u32()
	return uint8(v >> 24), v & 0xFFFFFF
}

func (f *fields) err(what string) error {
	if f.bad {
		return fmt.Errorf("%w: %s cut short", ErrMalformed, what)
	}
	return nil
}
