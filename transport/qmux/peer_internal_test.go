package qmux

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// fakePeer is a carrier whose other end is the test.
type fakePeer struct {
	in   chan []byte // To the Conn.
	out  chan []byte // From it.
	gone chan struct{}
	once sync.Once
}

func newFakePeer() *fakePeer {
	return &fakePeer{in: make(chan []byte), out: make(chan []byte), gone: make(chan struct{})}
}

func (p *fakePeer) ReadRecord() ([]byte, error) {
	select {
	case b := <-p.in:
		return b, nil
	case <-p.gone:
		return nil, io.ErrUnexpectedEOF
	}
}

func (p *fakePeer) WriteRecord(b []byte) error {
	select {
	case p.out <- append([]byte(nil), b...):
		return nil
	case <-p.gone:
		return net.ErrClosed
	}
}

func (p *fakePeer) Close() error { p.Abort(); return nil }
func (p *fakePeer) Abort()       { p.once.Do(func() { close(p.gone) }) }

// send gives a record to the Conn, unless that has ended.
func (p *fakePeer) send(b []byte) {
	select {
	case p.in <- b:
	case <-p.gone:
	}
}

// frames are those of the next record.
func (p *fakePeer) frames(tb testing.TB) (all []frame) {
	tb.Helper()
	select {
	case b := <-p.out:
		for len(b) > 0 {
			f, rest, err := parseFrame(b)
			if err != nil {
				tb.Fatal(err)
			}
			all, b = append(all, f), rest
		}
	case <-p.gone:
	case <-time.After(5 * time.Second):
		tb.Fatal("the connection is silent")
	}
	return all
}

// generous are a peer's parameters that hold up nothing.
var generous = params{maxData: 1 << 30, bidiLocal: 1 << 20, bidiRemote: 1 << 20, uni: 1 << 20, streamsBidi: 8, streamsUni: 8, maxDatagram: 1200}

func hello(p params) []byte {
	f := frame{kind: frameTransportParams, data: p.append(nil)}
	return f.append(nil)
}

// meet makes a server's Conn and its peer; both have sent their parameters.
func meet(tb testing.TB, p params) (*Conn, *fakePeer) {
	tb.Helper()
	peer := newFakePeer()
	c := New(Config{Carrier: peer, Protocol: "moqt-18", StreamWindow: 100, ConnWindow: 150, Streams: 2, UniStreams: 2})
	tb.Cleanup(func() { peer.Abort(); <-c.Context().Done() })
	if got := peer.frames(tb); len(got) != 1 || got[0].kind != frameTransportParams {
		tb.Fatalf("first came %+v", got)
	}
	peer.send(hello(p))
	return c, peer
}

func TestHostilePeer(t *testing.T) {
	tests := []struct {
		name, wire string
		code       uint64
	}{
		{"parameters twice", hex.EncodeToString(hello(generous)), codeProtocol},
		{"frame of QUIC that has no place here", "01", codeFrameEncoding},
		{"record that ends within a frame", "0e0200", codeFrameEncoding},
		{"beyond the window of a stream", "08" + "02" + hexZeros(101), codeFlowControl},
		{"beyond the window of all", "0a0240" + "50" + hexZeros(80) + "0806" + hexZeros(80), codeFlowControl},
		{"reset beyond the window", "0402004100", codeFlowControl},
		{"beyond the limit of streams", "080a00", codeStreamLimit},
		{"beyond the limit of two-way streams", "080800", codeStreamLimit},
		{"gap", "0e02010100", codeProtocol},
		{"overlap", "0a020100" + "0e02000100", codeProtocol},
		{"more behind the end", "0b020100" + "0e02010100", codeFinalSize},
		{"reset short of what came", "0a02020000" + "04020001", codeFinalSize},
		{"data after a reset", "04020000" + "0a020100", codeStreamState},
		{"data on a stream of ours", "080300", codeStreamState},
		{"stop of a stream that is the peer's", "050200", codeStreamState},
		{"stop of a stream that we did not open", "050300", codeStreamState},
		{"credit for a stream that we did not open", "110100", codeStreamState},
		{"answer to no ping", "f48c67529ef8c7be01", codeProtocol},
		{"ping that does not count on", "f48c67529ef8c7bd02f48c67529ef8c7bd02", codeProtocol},
		{"too many streams allowed", "12d000000000000001", codeFrameEncoding},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, peer := meet(t, generous)
			wire, err := hex.DecodeString(tt.wire)
			if err != nil {
				t.Fatal(err)
			}
			peer.send(wire)
			for {
				got := peer.frames(t)
				if len(got) == 0 {
					t.Fatal("the connection ended without a word")
				}
				if f := got[len(got)-1]; f.kind == frameConnectionClose {
					if f.value != tt.code {
						t.Errorf("code %#x (%s); want %#x", f.value, f.data, tt.code)
					}
					return
				}
			}
		})
	}
}

func hexZeros(n int) string { return hex.EncodeToString(make([]byte, n)) }

func TestParametersComeFirst(t *testing.T) {
	peer := newFakePeer()
	c := New(Config{Carrier: peer, StreamWindow: 100, ConnWindow: 100})
	peer.frames(t)
	go peer.send([]byte{frameMaxData, 1})
	if got := peer.frames(t); len(got) != 1 || got[0].value != codeProtocol {
		t.Errorf("answer is %+v", got)
	}
	if err := c.Ready(t.Context()); err == nil {
		t.Error("it was ready")
	}
}

// TestGreetingBeforeGoodbye: who is closed at once still learns whom it met, and why.
func TestGreetingBeforeGoodbye(t *testing.T) {
	for range 20 {
		peer := newFakePeer()
		c := New(Config{Carrier: peer, StreamWindow: 100, ConnWindow: 100})
		go func() { _ = c.CloseWithError(5, "") }()
		for _, want := range []uint64{frameTransportParams, frameApplicationClose} {
			if got := peer.frames(t); len(got) != 1 || got[0].kind != want {
				t.Fatalf("%+v came; want frame type %#x", got, want)
			}
		}
	}
}

// TestPingFlood: who asks without end and takes no answer loses the connection.
func TestPingFlood(t *testing.T) {
	c, peer := meet(t, generous)
	for sequence := uint64(0); c.Context().Err() == nil; {
		var record []byte
		for range 500 {
			f := frame{kind: framePing, value: sequence}
			record = f.append(record)
			sequence++
		}
		if sequence > 10*maxControl {
			t.Fatal("it goes on and on")
		}
		peer.send(record)
	}
	var e *ProtocolError
	if err := context.Cause(c.Context()); !errors.As(err, &e) || e.Code != codeProtocol {
		t.Errorf("ended with %v", err)
	}
}

// TestSmallFrames: a stream that comes byte by byte costs little more than its bytes.
func TestSmallFrames(t *testing.T) {
	r := &receiveStream{}
	for range 10 * smallChunk {
		r.keepLocked([]byte{1}, RecordSize)
	}
	if len(r.chunks) > 20 {
		t.Errorf("%d chunks", len(r.chunks))
	}
	// What lies behind a frame in its record is not written over.
	record := []byte("abcd")
	r = &receiveStream{}
	r.keepLocked(record[:2], len(record))
	r.keepLocked([]byte("XY"), 4)
	if string(record) != "abcd" || string(r.chunks[0]) != "abXY" {
		t.Errorf("record %q, chunks %q", record, r.chunks)
	}
}

// TestStreamsTakeTurns: what is large does not hold up what is small.
func TestStreamsTakeTurns(t *testing.T) {
	c, peer := meet(t, generous)
	large, err := c.OpenUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	small, err := c.OpenUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = large.Write(make([]byte, 1<<20)) }()
	peer.frames(t) // The large one is under way.
	wrote := make(chan error, 1)
	go func() {
		_, err := small.Write([]byte("small"))
		wrote <- err
	}()
	// Until it has asked for its turn: two are queued, or it is through.
	for records := 0; ; records++ {
		for _, f := range peer.frames(t) {
			if f.kind == frameStream && string(f.data) == "small" {
				if err := <-wrote; err != nil {
					t.Error(err)
				}
				return
			}
		}
		if records > 40 {
			t.Fatal("the small one waits for the large one's end")
		}
		time.Sleep(time.Millisecond)
	}
}

// FuzzConn: no record does more than end the connection, and what is held stays bounded.
func FuzzConn(f *testing.F) {
	for _, wire := range []string{
		"0e0200026869", "0f0000036279650a04026869", "104400", "11004400", "1d2a03627965", "04020a05", "05000a",
		"306869", "31016869", "f48c67529ef8c7bd01", "12441f", "13441f", "00", "0b0200" + "0b0600",
	} {
		b, _ := hex.DecodeString(wire)
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		c, peer := meet(t, generous)
		go func() {
			for {
				select {
				case <-peer.out:
				case <-peer.gone:
					return
				}
			}
		}()
		peer.send(first)
		peer.send(second)
		c.mu.Lock()
		held := 0
		for _, s := range c.streams {
			if s.receive != nil {
				for _, chunk := range s.receive.chunks {
					held += len(chunk)
				}
			}
		}
		streams := len(c.streams)
		c.mu.Unlock()
		if held > 150 || streams > 4 {
			t.Fatalf("%d bytes, %d streams", held, streams)
		}
	})
}
