package mpegts

import (
	"fmt"

	"github.com/freshet-live/freshet/ingest"
)

// kind is what an elementary stream is: a codec that is carried, or a name.
type kind struct {
	codec        ingest.Codec
	name         string // When it is not carried.
	latm         bool   // AAC in LOAS/LATM instead of ADTS.
	mpegAudio    bool   // Layer II or III: only the frames tell.
	opusChannels uint8
}

var carriedTypes = map[uint8]kind{
	0x0F: {codec: ingest.CodecAAC},
	0x11: {codec: ingest.CodecAAC, latm: true},
	0x1B: {codec: ingest.CodecH264},
	0x24: {codec: ingest.CodecH265},
	0x81: {codec: ingest.CodecAC3},  // ATSC A/52
	0x84: {codec: ingest.CodecEAC3}, // BDAV
	0x87: {codec: ingest.CodecEAC3}, // ATSC A/52 annex G
	0x03: {mpegAudio: true},
	0x04: {mpegAudio: true},
}

// namedTypes are those of ISO/IEC 13818-1 table 2-34 and of ATSC and SCTE.
var namedTypes = map[uint8]string{
	0x01: "MPEG-1 video", 0x02: "MPEG-2 video", 0x05: "private sections",
	0x07: "MHEG", 0x08: "DSM-CC", 0x0A: "DSM-CC", 0x0B: "DSM-CC", 0x0C: "DSM-CC", 0x0D: "DSM-CC",
	0x10: "MPEG-4 video", 0x15: "metadata", 0x16: "metadata", 0x1C: "MPEG-4 raw audio",
	0x1D: "MPEG-4 text", 0x1F: "H.264 SVC", 0x20: "H.264 MVC", 0x21: "JPEG 2000",
	0x25: "H.265 temporal subset", 0x2D: "MPEG-H audio", 0x2E: "MPEG-H audio", 0x32: "JPEG XS",
	0x33: "H.266", 0x35: "EVC", 0x42: "AVS video", 0x80: "DigiCipher II video",
	0x82: "SCTE-27 subtitles", 0x86: "SCTE-35", 0xD1: "Dirac", 0xD2: "AVS2 video",
	0xD4: "AVS3 video", 0xDB: "encrypted H.264", 0xCF: "encrypted AAC", 0xEA: "VC-1",
}

// bluRayTypes hold where the registration HDMV stands in the PMT.
var bluRayTypes = map[uint8]string{
	0x80: "LPCM audio", 0x82: "DTS", 0x83: "TrueHD", 0x85: "DTS-HD", 0x86: "DTS-HD",
	0xA2: "DTS-HD", 0x90: "PGS subtitles", 0x91: "IGS menu", 0x92: "text subtitles",
}

// privateNames are registrations in private PES packets.
var privateNames = map[string]string{
	"KLVA": "KLV metadata", "ID3 ": "ID3 metadata", "CUEI": "SCTE-35", "VANC": "SMPTE 2038 data",
	"BSSD": "SMPTE 302M audio", "AV01": "AV1", "VVC ": "H.266", "drac": "Dirac", "VC-1": "VC-1",
	"DTS1": "DTS", "DTS2": "DTS", "DTS3": "DTS", "AC-4": "AC-4", "mlpa": "TrueHD", "SCTE": "SCTE-35",
}

// streamKind tells what a stream_type with its descriptors and those of the
// program is.
func streamKind(streamType uint8, desc, program *descriptors) kind {
	if program.registration == "HDMV" || desc.registration == "HDMV" {
		if name := bluRayTypes[streamType]; name != "" {
			return kind{name: name}
		}
	}
	switch streamType {
	case 0x06:
		return privateKind(desc)
	case 0x15:
		return metadataKind(desc)
	}
	if k, ok := carriedTypes[streamType]; ok {
		return k
	}
	if name := namedTypes[streamType]; name != "" {
		return kind{name: name}
	}
	return kind{name: fmt.Sprintf("stream type 0x%02x", streamType)}
}

// privateKind reads private PES data: DVB (ETSI EN 300 468) says it by tags, the
// others by registration.
func privateKind(desc *descriptors) kind {
	switch {
	case desc.registration == "Opus":
		code := uint8(2)
		if desc.hasOpus {
			code = desc.opusChannels
		}
		return kind{codec: ingest.CodecOpus, opusChannels: code}
	case desc.registration == "HEVC":
		return kind{codec: ingest.CodecH265}
	case desc.registration == "AC-3" || desc.tags[0x6A]:
		return kind{codec: ingest.CodecAC3}
	case desc.registration == "EAC3" || desc.tags[0x7A]:
		return kind{codec: ingest.CodecEAC3}
	}
	if name := privateNames[desc.registration]; name != "" {
		return kind{name: name}
	}
	return kind{name: dvbName(desc)}
}

func dvbName(desc *descriptors) string {
	for _, t := range [...]struct {
		tag  uint8
		name string
	}{
		{0x56, "teletext"},
		{0x46, "teletext"},
		{0x59, "DVB subtitles"},
		{0x45, "VBI data"},
		{0x7B, "DTS"},
		{0x7C, "DVB AAC"},
		{0x6F, "application signalling"},
		{0xFD, "ARIB data"},
	} {
		if desc.tags[t.tag] {
			return t.name
		}
	}
	return "private data"
}

func metadataKind(desc *descriptors) kind {
	for _, id := range [...]string{desc.metadata, desc.registration} {
		if name := privateNames[id]; name != "" {
			return kind{name: name}
		}
	}
	return kind{name: namedTypes[0x15]}
}
