package mpegts

import (
	"errors"
	"io"
	"time"
)

const (
	// maxUnpaced is how much is read for the next PCR, which comes every 100 ms
	// (ISO/IEC 13818-1, 2.7.2).
	maxUnpaced = 16 << 20
	// maxPCRStep is the longest step that is no jump.
	maxPCRStep = 10 * time.Second
)

var errNoPCR = errors.New("mpegts: no clock reference to send by")

// Pacer dates the packets of a stream by its clock references. It is for one
// goroutine.
type Pacer struct {
	r     io.Reader
	align Aligner
	chunk []byte
	err   error // Of r.

	pending []byte // Packets that were read; the first clocked of them have a time.
	clocked int    // Bytes.
	sent    int    // Bytes, of clocked.
	pcr     int64  // Of the packet at clocked.
	pid     int    // That of the clock; -1 before the first.

	at   time.Duration // Of the first packet that is clocked.
	span time.Duration // Of those that are clocked.
}

// NewPacer reads a transport stream.
func NewPacer(r io.Reader) *Pacer {
	return &Pacer{r: r, pid: -1, chunk: make([]byte, 64<<10)}
}

// Next gives up to seven packets and when to send them, counted from the first
// ones. The bytes are valid until Next is called again. The error is io.EOF, that
// of the reader, or ErrNoSync. Where the clock jumps, the pace goes on.
func (p *Pacer) Next() (packets []byte, at time.Duration, err error) {
	for p.sent == p.clocked {
		if err := p.advance(); err != nil {
			return nil, 0, err
		}
	}
	n := min(burstPackets*packetSize, p.clocked-p.sent)
	at = p.at + time.Duration(float64(p.span)*float64(p.sent)/float64(p.clocked))
	packets = p.pending[p.sent : p.sent+n]
	p.sent += n
	return packets, at, nil
}

// advance dates the packets to the next PCR.
func (p *Pacer) advance() error {
	rate := 0.0 // Of the packets before, for what has no PCR behind it.
	if p.clocked > 0 {
		rate = float64(p.span) / float64(p.clocked)
	}
	p.at += p.span
	p.pending = p.pending[p.clocked:]
	p.sent, p.clocked, p.span = 0, 0, 0
	from := packetSize
	if p.pid < 0 {
		from = 0
	}
	for {
		end, pcr, found := p.find(from)
		if found {
			p.clocked = end
			p.step(pcr, rate)
			return nil
		}
		from = max(end, from)
		if err := p.read(); err != nil {
			p.clocked = len(p.pending)
			p.span = time.Duration(rate * float64(p.clocked))
			if p.clocked == 0 {
				return err
			}
			return nil
		}
		if len(p.pending) > maxUnpaced {
			return errNoPCR
		}
	}
}

// step takes the PCR behind the packets that are clocked.
func (p *Pacer) step(pcr int64, rate float64) {
	d := time.Duration(float64(wrapPCR(pcr-p.pcr)) / 27 * float64(time.Microsecond))
	switch {
	case p.first(pcr):
	case d > 0 && d <= maxPCRStep:
		p.span = d
	default:
		p.span = time.Duration(rate * float64(p.clocked))
	}
	p.pcr = pcr
}

// first tells whether this is the first PCR: what is before it goes out at once.
func (p *Pacer) first(pcr int64) bool {
	if p.pid < 0 {
		p.pid = int(p.pending[p.clocked+1]&0x1F)<<8 | int(p.pending[p.clocked+2])
		p.pcr = pcr
		return true
	}
	return false
}

// find looks for a packet of the clock with a PCR.
func (p *Pacer) find(from int) (pos int, pcr int64, found bool) {
	var h packet
	for pos = from; pos+packetSize <= len(p.pending); pos += packetSize {
		if parsePacket(p.pending[pos:], &h) && h.hasPCR && (p.pid < 0 || int(h.pid) == p.pid) {
			return pos, h.pcr, true
		}
	}
	return pos, 0, false
}

// read appends the next packets to pending; the error comes when there are none.
func (p *Pacer) read() error {
	for p.err == nil {
		n, err := p.r.Read(p.chunk)
		packets, syncErr := p.align.Write(p.chunk[:n])
		p.pending = append(p.pending, packets...)
		p.err = errors.Join(err, syncErr)
		if errors.Is(err, io.EOF) {
			p.pending = append(p.pending, p.align.Flush()...)
			p.err = io.EOF
		}
		if len(packets) > 0 {
			return nil
		}
	}
	return p.err
}
