package mpegts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// ErrClip says that a clip cannot be repeated; it is wrapped with the reason.
var ErrClip = errors.New("mpegts: clip cannot be looped")

// clip is a transport stream prepared for repetition.
type clip struct {
	packets []byte
	times   []int64 // When each packet is sent, in 27 MHz ticks from the first.
	period  int64   // The clip's length in ticks of ingest.Clock.
	pes     [8192]bool
}

// clipStream is what an elementary stream of the clip holds.
type clipStream struct {
	kind         kind
	codec        ingest.Codec
	first, last  int64 // DTS
	step         int64
	frames       int
	frameSamples int
	rate         int
}

// span is from the first frame's begin to the last one's end.
func (s *clipStream) span() int64 {
	if s.codec.IsVideo() {
		return s.last - s.first + s.step
	}
	return s.at(s.frames)
}

// at is the time of an audio frame from the stream's begin.
func (s *clipStream) at(frame int) int64 {
	return int64(frame) * int64(s.frameSamples) * ingest.Clock / int64(s.rate)
}

// clipSink measures the streams.
type clipSink map[int]*clipStream

func (c clipSink) SetProgram(p ingest.Program) error {
	for _, s := range p.Streams {
		if c[s.ID] == nil {
			c[s.ID] = &clipStream{codec: s.Codec}
		}
	}
	return nil
}

func (c clipSink) Push(au ingest.AccessUnit) error {
	s := c[au.Stream]
	if s.frames == 0 {
		s.first = au.DTS
	} else if step := au.DTS - s.last; step > 0 {
		s.step = step
	}
	s.last = au.DTS
	s.frames++
	if au.Format != nil {
		s.frameSamples, s.rate = au.Samples, au.Format.SampleRate
	}
	return nil
}

// newClip measures ts and makes its streams equally long.
func newClip(ts []byte) (*clip, error) {
	sink := clipSink{}
	d := New(Config{Sink: sink})
	if err := errors.Join(d.Write(ts, time.Time{}), d.Flush(time.Time{})); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClip, err)
	}
	if d.psi.current == nil {
		return nil, fmt.Errorf("%w: no program", ErrClip)
	}
	c := &clip{}
	for _, e := range d.psi.current.streams {
		c.pes[e.pid] = true
		if s := sink[int(e.pid)]; s != nil {
			s.kind = e.kind
		}
	}
	if err := c.measure(sink); err != nil {
		return nil, err
	}
	c.packets = wholePackets(ts)
	for id, s := range sink {
		if s.frames > 0 && !s.codec.IsVideo() {
			if err := c.fit(uint16(id), s); err != nil {
				return nil, err
			}
		}
	}
	return c, c.pace()
}

// measure sets the period: the longest video's length, else the longest audio's.
func (c *clip) measure(sink clipSink) error {
	video := false
	for _, s := range sink {
		if s.frames == 0 {
			continue
		}
		if v := s.codec.IsVideo(); v != video && v {
			c.period, video = s.span(), true
		} else if v == video {
			c.period = max(c.period, s.span())
		}
	}
	if c.period <= 0 || c.period > clockWrap/4 {
		return fmt.Errorf("%w: no frames", ErrClip)
	}
	return nil
}

// wholePackets copies the packets of ts that are in sync, without null packets.
func wholePackets(ts []byte) []byte {
	var a Aligner
	a.cut(ts, true)
	out := make([]byte, 0, len(a.out))
	for p := range slices.Chunk(a.out, packetSize) {
		if binary.BigEndian.Uint16(p[1:])&0x1FFF != pidNull {
			out = append(out, p...)
		}
	}
	return out
}

// fit cuts the audio frames off that reach beyond the period, so that the next
// round's follow without an overlap.
func (c *clip) fit(id uint16, s *clipStream) error {
	frames := 0
	frame := s.at(1)
	for frames < s.frames && s.at(frames)+frame/2 < c.period {
		frames++
	}
	if gap := c.period - s.at(frames); gap > frame {
		return fmt.Errorf("%w: audio ends %v before video", ErrClip, time.Duration(gap)*time.Second/ingest.Clock)
	}
	if frames == s.frames {
		return nil
	}
	cut := cutter{parser: newParser(&stream{entry: pmtEntry{kind: s.kind}, codec: s.codec}), left: frames}
	return c.cut(id, &cut)
}

// pace dates every packet by interpolation between the PCRs.
func (c *clip) pace() error {
	n := len(c.packets) / packetSize
	c.times = make([]int64, n)
	var (
		p     packet
		pid   = -1
		known []int // Packets with a PCR.
	)
	for i := range n {
		if !parsePacket(c.packets[i*packetSize:], &p) || !p.hasPCR || pid >= 0 && int(p.pid) != pid {
			continue
		}
		pid = int(p.pid)
		c.times[i] = p.pcr
		if k := len(known); k > 0 {
			prev := c.times[known[k-1]]
			c.times[i] = prev + wrapPCR(p.pcr-prev)
			if step := c.times[i] - prev; step <= 0 || step > 10*300*ingest.Clock {
				return fmt.Errorf("%w: PCR jumps", ErrClip)
			}
		}
		known = append(known, i)
	}
	if len(known) < 2 {
		return fmt.Errorf("%w: no PCR", ErrClip)
	}
	c.interpolate(known)
	return nil
}

// wrapPCR brings the difference of two PCRs into half a turn of their circle.
func wrapPCR(d int64) int64 {
	const turn = clockWrap * 300
	if d %= turn; d < -turn/2 {
		d += turn
	}
	return d
}

func (c *clip) interpolate(known []int) {
	for k := range known[1:] {
		from, to := known[k], known[k+1]
		if k == 0 {
			c.line(from, to, 0, from)
		}
		c.line(from, to, from+1, to)
		if k == len(known)-2 {
			c.line(from, to, to+1, len(c.times))
		}
	}
	start := c.times[0]
	for i := range c.times {
		c.times[i] -= start
	}
}

// line dates packets begin to end by the line through those at from and to.
func (c *clip) line(from, to, begin, end int) {
	step := float64(c.times[to]-c.times[from]) / float64(to-from)
	for i := begin; i < end; i++ {
		c.times[i] = c.times[from] + int64(float64(i-from)*step)
	}
}

// cut rewrites the PES packets of one PID to hold the frames that cut allows.
func (c *clip) cut(id uint16, cut *cutter) error {
	out := make([]byte, 0, len(c.packets))
	var p packet
	for rest := c.packets; len(rest) > 0; rest = rest[packetSize:] {
		if !parsePacket(rest, &p) || p.pid != id || len(p.payload) == 0 {
			if p.pid != id || p.hasPCR {
				out = append(out, rest[:packetSize]...)
			}
			continue
		}
		if p.start {
			out = cut.flush(out)
		}
		cut.packet(rest[:packetSize], p.payload)
	}
	c.packets = cut.flush(out)
	if cut.left > 0 {
		return fmt.Errorf("%w: audio frames not found", ErrClip)
	}
	return nil
}

// cutter shortens an audio stream to a number of frames, PES by PES.
type cutter struct {
	parser  frameParser
	left    int
	packets [][]byte // Of the PES at hand.
	payload []byte
}

func (c *cutter) packet(whole, payload []byte) {
	c.packets = append(c.packets, whole)
	c.payload = append(c.payload, payload...)
}

// flush appends the PES at hand to out: whole, shortened, or nothing of it.
func (c *cutter) flush(out []byte) []byte {
	packets, pes := c.packets, c.payload
	c.packets, c.payload = nil, nil
	if len(pes) < 9 || c.left == 0 {
		return out
	}
	head := min(9+int(pes[8]), len(pes))
	end := head
	for c.left > 0 && end < len(pes) {
		f, n := c.parser.parse(pes[end:], true, true)
		if n == 0 {
			end = len(pes) // The frame goes on in the next PES.
			break
		}
		if end += n; f.data != nil {
			c.left -= 1 + len(f.more)
		}
	}
	if c.left > 0 || end == len(pes) {
		return append(out, slices.Concat(packets...)...)
	}
	return packetize(out, packets[0], pes[:end])
}

// packetize writes a bounded PES into packets with the PID of model.
func packetize(out, model, pes []byte) []byte {
	pes = slices.Clone(pes)
	binary.BigEndian.PutUint16(pes[4:], uint16(len(pes)-6))
	for first := byte(0x40); len(pes) > 0; first = 0 {
		n := min(len(pes), packetSize-4)
		out = append(out, syncByte, first|model[1]&0x1F, model[2], 0x10)
		if pad := packetSize - 4 - n; pad > 0 {
			out[len(out)-1] |= 0x20
			out = append(out, byte(pad-1))
			if pad > 1 {
				out = append(out, 0)
				out = append(out, slices.Repeat([]byte{0xFF}, pad-2)...)
			}
		}
		out = append(out, pes[:n]...)
		pes = pes[n:]
	}
	return out
}
