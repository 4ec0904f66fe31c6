package mpegts

import "encoding/binary"

const (
	pidPAT  = 0
	pidNull = 0x1FFF

	tablePAT = 0x00
	tablePMT = 0x02
	// maxPrograms bounds how many PMTs are listened to.
	maxPrograms = 64
	// maxVideos bounds how many video streams are put together at once, for
	// each holds up to a picture of maxUnit bytes. One is what is published.
	maxVideos = 4
)

// section is the long form of a section (ISO/IEC 13818-1, 2.4.4.11), checked.
type section struct {
	id           uint16 // transport_stream_id or program_number
	version      uint8
	current      bool
	number, last uint8
	body         []byte
}

// longSection checks the CRC and cuts header and CRC off.
func longSection(b []byte, table byte) (s section, c Class, ok bool) {
	switch {
	case len(b) < 12 || b[0] != table || b[1]&0x80 == 0:
		return s, ErrorSection, false
	case crc32(b) != 0:
		return s, ErrorCRC, false
	}
	return section{
		id:      binary.BigEndian.Uint16(b[3:]),
		version: b[5] >> 1 & 0x1F,
		current: b[5]&1 == 1,
		number:  b[6],
		last:    b[7],
		body:    b[8 : len(b)-4],
	}, 0, true
}

// patEntry is a program's line in the PAT.
type patEntry struct {
	number uint16
	pid    uint16
}

// parsePAT lists the programs (2.4.4.3), without the network PID.
func parsePAT(body []byte) []patEntry {
	var list []patEntry
	for ; len(body) >= 4 && len(list) < maxPrograms; body = body[4:] {
		e := patEntry{binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]) & 0x1FFF}
		if e.number != 0 && e.pid != pidPAT && e.pid != pidNull {
			list = append(list, e)
		}
	}
	return list
}

// pmtEntry is an elementary stream's line in the PMT, with what it means.
type pmtEntry struct {
	pid        uint16
	streamType uint8
	language   string
	kind       kind
}

// parsePMT lists the elementary streams (2.4.4.8). It is false when lengths do
// not fit.
func parsePMT(body []byte) ([]pmtEntry, bool) {
	if len(body) < 4 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(body[2:]) & 0x0FFF)
	if 4+n > len(body) {
		return nil, false
	}
	program := parseDescriptors(body[4 : 4+n])
	var list []pmtEntry
	videos := 0
	for body = body[4+n:]; len(body) >= 5; {
		n = int(binary.BigEndian.Uint16(body[3:]) & 0x0FFF)
		if 5+n > len(body) {
			return nil, false
		}
		desc := parseDescriptors(body[5 : 5+n])
		k := streamKind(body[0], desc, program)
		if k.codec.IsVideo() {
			if videos++; videos > maxVideos {
				k = kind{name: "surplus " + k.codec.String()}
			}
		}
		list = append(list, pmtEntry{
			pid:        binary.BigEndian.Uint16(body[1:]) & 0x1FFF,
			streamType: body[0],
			language:   desc.language,
			kind:       k,
		})
		body = body[5+n:]
	}
	return list, true
}

// descriptors are those of a PMT loop that say what a stream is.
type descriptors struct {
	tags         [256]bool
	registration string // registration_descriptor, 2.6.8
	metadata     string // format identifier of the metadata_descriptor, 2.6.60
	language     string
	opusChannels uint8 // channel_config_code of Opus
	hasOpus      bool
}

func parseDescriptors(b []byte) *descriptors {
	d := &descriptors{}
	for len(b) >= 2 && 2+int(b[1]) <= len(b) {
		d.descriptor(b[0], b[2:2+int(b[1])])
		b = b[2+int(b[1]):]
	}
	return d
}

func (d *descriptors) descriptor(tag uint8, b []byte) {
	d.tags[tag] = true
	switch {
	case tag == 0x05 && len(b) >= 4 && d.registration == "":
		d.registration = string(b[:4])
	case tag == 0x0A && len(b) >= 4 && d.language == "":
		d.language = language(b[:3])
	case tag == 0x26 && d.metadata == "":
		d.metadata = metadataFormat(b)
	case tag == 0x7F && len(b) >= 2 && b[0] == 0x80: // Opus in the DVB extension
		d.opusChannels, d.hasOpus = b[1], true
	}
}

// metadataFormat reads the identifier in a metadata_descriptor, behind an optional
// one of the application.
func metadataFormat(b []byte) string {
	if len(b) >= 6 && b[0] == 0xFF && b[1] == 0xFF {
		b = b[4:]
	}
	if len(b) >= 7 && b[2] == 0xFF {
		return string(b[3:7])
	}
	return ""
}

// language is an ISO 639-2 code in lower case, or nothing.
func language(b []byte) string {
	code := make([]byte, 3)
	for i, c := range b {
		if c |= 0x20; c < 'a' || c > 'z' {
			return ""
		}
		code[i] = b[i] | 0x20
	}
	return string(code)
}
