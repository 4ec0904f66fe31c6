package qmux

import (
	"github.com/freshet-live/freshet/transport/moqt"
)

// frameLocked acts on a frame of a record of so many bytes.
func (c *Conn) frameLocked(f *frame, record int) error {
	switch f.kind {
	case frameTransportParams:
		return c.paramsLocked(f.data)
	case frameStream, frameResetStream:
		return c.incomingLocked(f, record)
	case frameStopSending, frameMaxStreamData:
		return c.outgoingLocked(f)
	case frameMaxData:
		c.creditLocked(f.value)
	case frameMaxStreamsBidi, frameMaxStreamsUni:
		return c.mayOpenLocked(int(f.kind-frameMaxStreamsBidi), f.value)
	case framePing:
		if f.value < c.pinged {
			return violation(codeProtocol, "ping %d after %d", f.value, c.pinged-1)
		}
		c.pinged = f.value + 1
		c.sendLocked(frame{kind: framePong, value: f.value})
	case framePong:
		if f.value == 0 || f.value > c.asked {
			return violation(codeProtocol, "an answer to ping %d, which was not sent", f.value)
		}
	case frameDatagram, frameDatagramLength:
		if len(c.received) == maxDatagrams {
			c.received = c.received[1:] // The newest are worth more.
		}
		c.received = append(c.received, append([]byte(nil), f.data...))
		c.arrived.fire()
	case frameConnectionClose:
		return &ProtocolError{Code: f.value, Reason: string(f.data), Remote: true}
	case frameApplicationClose:
		return &moqt.CloseError{Code: f.value, Reason: string(f.data), Remote: true}
	}
	return nil // Padding, and how the peer fares with our limits.
}

func (c *Conn) paramsLocked(b []byte) error {
	p, err := parseParams(b)
	if err != nil {
		return err
	}
	c.peer = &p
	close(c.met)
	c.creditLocked(p.maxData)
	if err := c.mayOpenLocked(bidi, p.streamsBidi); err != nil {
		return err
	}
	return c.mayOpenLocked(uni, p.streamsUni)
}

// creditLocked lets more be sent in all.
func (c *Conn) creditLocked(limit uint64) {
	if limit <= c.maxData {
		return
	}
	c.maxData = limit
	c.ready = append(c.ready, c.starved...)
	c.starved = nil
	c.wakeWriter()
}

func (c *Conn) mayOpenLocked(direction int, limit uint64) error {
	if limit > maxStreams {
		return violation(codeFrameEncoding, "%d streams", limit)
	}
	if o := &c.opening[direction]; limit > o.limit {
		o.limit = limit
		o.more.fire()
	}
	return nil
}

// incomingLocked is about what the peer sends on a stream.
func (c *Conn) incomingLocked(f *frame, record int) error {
	if c.ours(f.stream) && direction(f.stream) == uni {
		return violation(codeStreamState, "data on stream %d, which is ours", f.stream)
	}
	s, err := c.findLocked(f.stream)
	switch {
	case err != nil:
		return err
	case f.kind == frameResetStream && (s == nil || s.receive == nil):
		return nil // It takes back what was read to its end.
	case s == nil || s.receive == nil:
		return violation(codeStreamState, "more on stream %d after its end", f.stream)
	case f.kind == frameResetStream:
		return s.receive.resetLocked(f.value, f.size)
	default:
		return s.receive.takeLocked(f, record)
	}
}

// outgoingLocked is about what this side sends on a stream.
func (c *Conn) outgoingLocked(f *frame) error {
	if !c.ours(f.stream) && direction(f.stream) == uni {
		return violation(codeStreamState, "frame type %#x about stream %d, which is the peer's", f.kind, f.stream)
	}
	s, err := c.findLocked(f.stream)
	switch {
	case err != nil || s == nil || s.send == nil:
		return err // Of a stream that is over it says nothing.
	case f.kind == frameStopSending:
		s.send.cancelLocked(&moqt.StreamError{Code: f.value, Remote: true})
	default:
		s.send.creditLocked(f.value)
	}
	return nil
}
