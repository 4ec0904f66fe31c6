package quic

import (
	"fmt"

	"github.com/quic-go/quic-go/quicvarint"
)

const (
	packetSize = 188
	syncByte   = 0x47
	// maxBatch is the most that one stream carries: 348 packets.
	maxBatch = 348 * packetSize
	// maxDatagram is what fits into a QUIC packet of 1200 bytes, with every
	// header at its longest.
	maxDatagram = 6 * packetSize
)

// checkPackets holds to whole transport packets: what is cut in the middle says
// that the sender counts wrong.
func checkPackets(b []byte) error {
	if len(b) == 0 || len(b)%packetSize != 0 || len(b) > maxBatch {
		return fmt.Errorf("%w: batch of %d bytes", errProtocol, len(b))
	}
	for i := 0; i < len(b); i += packetSize {
		if b[i] != syncByte {
			return fmt.Errorf("%w: no sync byte at %d", errProtocol, i)
		}
	}
	return nil
}

func appendDatagram(b []byte, seq uint64, packets []byte) []byte {
	return append(quicvarint.Append(b, seq), packets...)
}

func parseDatagram(b []byte) (seq uint64, packets []byte, err error) {
	seq, n, err := quicvarint.Parse(b)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: datagram without number", errProtocol)
	}
	return seq, b[n:], checkPackets(b[n:])
}
