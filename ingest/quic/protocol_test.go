package quic_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	quicgo "github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/transport/certs"
)

// hello for live/cam1 by streams, with a latency of 1000 ms, as the page spells it.
var hello = []byte("\x01\x12\x01\x09live/cam1\x03\x02\x43\xE8\x04\x01\x00")

// foreign is a client that was written after docs/ts-over-quic.md, with nothing of
// the package.
type foreign struct {
	*quicgo.Conn
	control *quicgo.Stream
}

func (s *server) foreign(t *testing.T, first []byte) *foreign {
	t.Helper()
	conf := certs.Pinned(s.certs.Hash())
	conf.NextProtos = []string{"freshet-ts/1"}
	conn, err := quicgo.DialAddr(t.Context(), s.addr, conf, &quicgo.Config{EnableDatagrams: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseWithError(0, "") })
	control, err := conn.OpenStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.Write(first); err != nil {
		t.Fatal(err)
	}
	return &foreign{conn, control}
}

// welcome reads the answer to hello, byte by byte.
func (f *foreign) welcome(t *testing.T) {
	t.Helper()
	answer := make([]byte, 6)
	if _, err := io.ReadFull(f.control, answer); err != nil {
		t.Fatal(err)
	}
	if want := "\x02\x04\x03\x02\x43\xE8"; string(answer) != want {
		t.Fatalf("welcome % x, want % x", answer, want)
	}
}

// stream opens the next unidirectional stream and writes b to it.
func (f *foreign) stream(t *testing.T, b []byte) *quicgo.SendStream {
	t.Helper()
	s, err := f.OpenUniStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(b); err != nil {
		t.Fatal(err)
	}
	return s
}

// code waits for the server to close.
func (f *foreign) code(t *testing.T) quic.Code {
	t.Helper()
	select {
	case <-f.Context().Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the connection stays")
	}
	closed, ok := errors.AsType[*quicgo.ApplicationError](context.Cause(f.Context()))
	if !ok {
		t.Fatal(context.Cause(f.Context()))
	}
	return quic.Code(closed.ErrorCode)
}

// A batch that is reset is gone at once, though the latency would allow to wait.
func TestResetBatch(t *testing.T) {
	s := serve(t, nil)
	f := s.foreign(t, hello)
	f.welcome(t)
	sink := <-s.sinks
	ts := readClip(t)
	begin := time.Now()
	const batch = 188 * 40
	for i := range 20 {
		stream := f.stream(t, ts[i*batch:(i+1)*batch])
		if i == 10 {
			stream.CancelWrite(1)
			continue
		}
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.control.Write([]byte("\x04\x03\x01\x01\x14")); err != nil { // END, 20 batches
		t.Fatal(err)
	}
	if code := f.code(t); code != quic.CodeNone {
		t.Errorf("closed with %#x", uint64(code))
	}
	if d := time.Since(begin); d > 900*time.Millisecond {
		t.Errorf("it took %v", d)
	}
	<-sink.ended
	if n := sink.count(); n < 50 {
		t.Errorf("only %d access units", n)
	}
}

// What never comes is given up when the latency is over.
func TestMissingBatch(t *testing.T) {
	s := serve(t, nil)
	f := s.foreign(t, hello)
	f.welcome(t)
	ts := readClip(t)
	f.stream(t, ts[:100])
	f.stream(t, ts[188*40:188*300]).Close()
	begin := time.Now()
	f.control.Write([]byte("\x04\x03\x01\x01\x02"))
	if code := f.code(t); code != quic.CodeNone {
		t.Errorf("closed with %#x", uint64(code))
	}
	if d := time.Since(begin); d < 900*time.Millisecond || d > 3*time.Second {
		t.Errorf("waited %v", d)
	}
}

func TestViolations(t *testing.T) {
	s := serve(t, nil)
	ts := readClip(t)
	for _, c := range []struct {
		name  string
		first []byte
		then  func(*foreign)
		want  quic.Code
	}{
		{"no hello", []byte("\x03\x00"), nil, quic.CodeProtocol},
		{"a long message", []byte("\x01\x80\xFF\xFF\xFF"), nil, quic.CodeProtocol},
		{"hello twice", append(append([]byte{}, hello...), hello...), nil, quic.CodeProtocol},
		{"half a packet", hello, func(f *foreign) { f.stream(t, make([]byte, 100)).Close() }, quic.CodeProtocol},
		{"a long batch", hello, func(f *foreign) { f.stream(t, ts[:349*188]).Close() }, quic.CodeProtocol},
		{"an empty batch", hello, func(f *foreign) { f.stream(t, []byte{}).Close() }, quic.CodeProtocol},
		{"no hello in time", nil, nil, quic.CodeTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := s.foreign(t, c.first)
			if c.then != nil {
				f.welcome(t)
				c.then(f)
			}
			if code := f.code(t); code != c.want {
				t.Errorf("closed with %#x, want %#x", uint64(code), uint64(c.want))
			}
		})
	}
}

// Messages and parameters of later versions do not disturb.
func TestUnknownIsLeftOut(t *testing.T) {
	s := serve(t, nil)
	f := s.foreign(t, append([]byte("\x01\x15\x01\x09live/cam1\x03\x02\x43\xE8\x04\x01\x00\x3F\x01\xAA"), "\x3E\x02\x01\x00"...))
	f.welcome(t)
	sink := <-s.sinks
	f.stream(t, readClip(t)[:188*300]).Close()
	f.control.Write([]byte("\x04\x03\x01\x01\x01"))
	if code := f.code(t); code != quic.CodeNone {
		t.Errorf("closed with %#x", uint64(code))
	}
	<-sink.ended
	if sink.count() == 0 {
		t.Error("nothing was received")
	}
}
