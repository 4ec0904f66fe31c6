package quic

import (
	"fmt"
	"time"
)

// Mode is how transport packets are sent.
type Mode uint64

// The modes.
const (
	// ModeStream sends each batch on a stream of its own: what is lost is sent
	// again until it is too old.
	ModeStream Mode = 0
	// ModeDatagram sends QUIC datagrams: what is lost is lost.
	ModeDatagram Mode = 1
)

func (m Mode) String() string {
	switch m {
	case ModeStream:
		return "stream"
	case ModeDatagram:
		return "datagram"
	}
	return "unknown"
}

// The parameters of HELLO and WELCOME.
const (
	paramName    = 0x1
	paramToken   = 0x2
	paramLatency = 0x3 // Milliseconds.
	paramMode    = 0x4
)

// hello is what a client asks for.
type hello struct {
	name, token string
	latency     time.Duration
	mode        Mode
}

func (h hello) message() message {
	m := message{kind: messageHello, params: []param{
		text(paramName, h.name),
		number(paramLatency, uint64(h.latency.Milliseconds())),
		number(paramMode, uint64(h.mode)),
	}}
	if h.token != "" {
		m.params = append(m.params, text(paramToken, h.token))
	}
	return m
}

func parseHello(m message) (hello, error) {
	if m.kind != messageHello {
		return hello{}, fmt.Errorf("%w: message %#x in place of hello", errProtocol, m.kind)
	}
	h := hello{name: string(m.bytes(paramName)), token: string(m.bytes(paramToken))}
	mode, err := m.number(paramMode)
	if err != nil {
		return h, err
	}
	if h.mode = Mode(mode); h.mode != ModeStream && h.mode != ModeDatagram {
		return h, fmt.Errorf("%w: mode %#x", errProtocol, mode)
	}
	h.latency, err = m.latency()
	return h, err
}

// latency is that of HELLO or WELCOME.
func (m message) latency() (time.Duration, error) {
	ms, err := m.number(paramLatency)
	if err != nil {
		return 0, err
	}
	// No more than a day, which no Duration runs over with.
	return time.Duration(min(ms, 86_400_000)) * time.Millisecond, nil
}

// report is what one side tells the other once a second.
type report struct {
	// Of the client.
	packetsSent, packetsLost, dropped uint64
	// Of the server.
	batches, lost, held uint64
}

// The parameters of REPORT.
const (
	paramPacketsSent = 0x1
	paramPacketsLost = 0x2
	paramDropped     = 0x3
	paramBatches     = 0x4
	paramLost        = 0x5
	paramHeld        = 0x6
)

// fields are the parameters of a report and where their values are.
func (r *report) fields() map[uint64]*uint64 {
	return map[uint64]*uint64{
		paramPacketsSent: &r.packetsSent, paramPacketsLost: &r.packetsLost, paramDropped: &r.dropped,
		paramBatches: &r.batches, paramLost: &r.lost, paramHeld: &r.held,
	}
}

func (r *report) message() message {
	m := message{kind: messageReport}
	for id, v := range r.fields() {
		if *v > 0 {
			m.params = append(m.params, number(id, *v))
		}
	}
	return m
}

func parseReport(m message) (report, error) {
	var r report
	for id, v := range r.fields() {
		n, err := m.number(id)
		if err != nil {
			return r, err
		}
		*v = n
	}
	return r, nil
}

// paramCount of END is how many batches or datagrams were sent.
const paramCount = 0x1

func endMessage(count uint64) message {
	return message{kind: messageEnd, params: []param{number(paramCount, count)}}
}
