package cmaf

import (
	"encoding/binary"
	"fmt"
)

// VideoEntry is what the sample entry of a foreign CMAF header holds about its
// pictures. What is absent is nil; all of it is a part of the header.
type VideoEntry struct {
	// AVCC and HVCC are the decoder configuration (ISO/IEC 14496-15).
	AVCC, HVCC []byte
	// Transfer is the transfer characteristics (ITU-T H.273) of a colr box; zero
	// without one.
	Transfer int
}

const (
	boxMinf fourCC = 'm'<<24 | 'i'<<16 | 'n'<<8 | 'f'
	boxStbl fourCC = 's'<<24 | 't'<<16 | 'b'<<8 | 'l'
	boxStsd fourCC = 's'<<24 | 't'<<16 | 's'<<8 | 'd'
	boxAvcC fourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | 'C'
	boxHvcC fourCC = 'h'<<24 | 'v'<<16 | 'c'<<8 | 'C'
	boxColr fourCC = 'c'<<24 | 'o'<<16 | 'l'<<8 | 'r'

	// visualEntry is the fixed part of a visual sample entry (ISO/IEC 14496-12,
	// 12.1.3.2), stsdFixed that of its parent (8.5.2.2).
	visualEntry = 78
	stsdFixed   = 8
)

// ReadVideoEntry looks into the header of a video track. It allocates nothing.
func ReadVideoEntry(header []byte) (VideoEntry, error) {
	b := header
	for _, kind := range []fourCC{boxMoov, boxTrak, boxMdia, boxMinf, boxStbl, boxStsd} {
		var err error
		if b, err = child(b, kind); err != nil {
			return VideoEntry{}, err
		}
	}
	if len(b) < stsdFixed {
		return VideoEntry{}, fmt.Errorf("%w: stsd of %d bytes", ErrHeader, len(b))
	}
	_, entry, _, err := nextBox(b[stsdFixed:])
	if err != nil {
		return VideoEntry{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	if len(entry) < visualEntry {
		return VideoEntry{}, fmt.Errorf("%w: sample entry of %d bytes", ErrHeader, len(entry))
	}
	var out VideoEntry
	for rest := entry[visualEntry:]; len(rest) > 0; {
		var kind fourCC
		var body []byte
		if kind, body, rest, err = nextBox(rest); err != nil {
			return VideoEntry{}, fmt.Errorf("%w: %w", ErrHeader, err)
		}
		switch {
		case kind == boxAvcC:
			out.AVCC = body
		case kind == boxHvcC:
			out.HVCC = body
		case kind == boxColr && len(body) >= 8 && string(body[:4]) == "nclx":
			out.Transfer = int(binary.BigEndian.Uint16(body[6:]))
		}
	}
	return out, nil
}
