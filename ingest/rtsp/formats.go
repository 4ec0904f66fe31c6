package rtsp

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpfragmented"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

// depacketize takes the next packet and gives the NAL units or audio frames that
// it completes; errMore (see needsMore) when it completes none.
type depacketize func(*rtp.Packet) ([][]byte, error)

// assembler makes access units of what a depacketizer gives.
type assembler interface {
	codec() ingest.Codec
	// depacketizer makes one without a memory of what was before.
	depacketizer() (depacketize, error)
	// assemble calls push for every access unit in units. lost says that
	// something before them is missing.
	assemble(units [][]byte, at moment, lost bool, push func(ingest.AccessUnit) error) error
}

// errUnsupported: what is not carried.
var errUnsupported = errors.New("not supported")

// newAssembler finds how to carry a format; errUnsupported when it cannot be.
func newAssembler(f format.Format) (assembler, error) {
	switch f := f.(type) {
	case *format.H264:
		return newH264(f), nil
	case *format.H265:
		return newH265(f), nil
	case *format.MPEG4Audio:
		return newAAC(f)
	case *format.MPEG4AudioLATM:
		return newLATM(f)
	case *format.Opus:
		return newOpus(f)
	}
	return nil, errUnsupported
}

// needsMore tells a packet that completes nothing from a damaged one.
func needsMore(err error) bool {
	for _, more := range []error{
		rtph264.ErrMorePacketsNeeded, rtph264.ErrNonStartingPacketAndNoPrevious,
		rtph265.ErrMorePacketsNeeded, rtph265.ErrNonStartingPacketAndNoPrevious,
		rtpmpeg4audio.ErrMorePacketsNeeded, rtpfragmented.ErrMorePacketsNeeded,
	} {
		if errors.Is(err, more) {
			return true
		}
	}
	return false
}

// maxFormatName keeps what a peer calls its formats short in the log.
const maxFormatName = 40

// formatName is for the log and the API: "audio PCMU/8000".
func formatName(m *description.Media, f format.Format) string {
	name := f.RTPMap()
	if name == "" {
		name = fmt.Sprintf("payload type %d", f.PayloadType())
	}
	return printable(string(m.Type) + " " + name)
}

func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxFormatName)]
}
