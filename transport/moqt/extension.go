package moqt

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Extension is a protocol of its own that shares a session with MoQT. It is there
// when both sides named it in SETUP; its stream types are a violation otherwise.
type Extension struct {
	// Option is the Setup Option that both sides send, an even number, and Version
	// its value.
	Option  uint64
	Version uint64
	// Stream is the type of its bidirectional streams, which clients open.
	// UniStream is that of its unidirectional ones, which servers open.
	Stream    uint64
	UniStream uint64
}

// ServerExtension is an Extension at a Server.
type ServerExtension struct {
	Extension
	// MaxStreams bounds the streams of a peer at a time; zero is no bound but QUIC's.
	MaxStreams int
	// Serve handles a stream from behind its type on, and returns when it is done
	// with it; what it started has ended then. ctx ends with the stream's sending
	// half, or with the session.
	Serve func(ctx context.Context, p *ExtensionPeer, st Stream)
}

// ClientExtension is an Extension at a Client.
type ClientExtension struct {
	Extension
	// Receive handles a unidirectional stream from behind its type on, and returns
	// when it is done with it. ctx ends with the session.
	Receive func(ctx context.Context, r ReceiveStream)
}

// ErrNoExtension: the peer did not name the extension in its SETUP.
var ErrNoExtension = errors.New("the peer does not speak this extension")

// extension is either kind.
type extension struct {
	Extension
	maxStreams int
	serve      func(context.Context, *ExtensionPeer, Stream)
	receive    func(context.Context, ReceiveStream)
}

// extensionStreams counts those of the peer.
type extensionStreams struct{ open, begun int }

// options are the Setup Options that name extensions.
func extensionOptions(all []extension) wire.KeyValues {
	o := make(wire.KeyValues, 0, len(all))
	for _, e := range all {
		o = append(o, wire.KeyValue{Type: e.Option, Int: e.Version})
	}
	return o
}

// agree notes which of our extensions the peer named, of the same version.
func (s *session) agree(o wire.KeyValues) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.extensions {
		e := &s.extensions[i]
		if kv, ok := o.Get(e.Option); ok && kv.Int == e.Version {
			s.agreed = append(s.agreed, e)
		}
	}
}

// agreedOn waits for the peer's SETUP and tells whether it named the extension.
func (s *session) agreedOn(e *extension) bool {
	if s.awaitReady() != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.agreed, e)
}

// extensionOf finds whose type a bidirectional stream of the peer is.
func (s *session) extensionOf(stream uint64) *extension {
	for i := range s.extensions {
		if e := &s.extensions[i]; e.Stream == stream && e.serve != nil {
			return e
		}
	}
	return nil
}

// extensionOfUni finds whose type a unidirectional stream of the peer is.
func (s *session) extensionOfUni(stream uint64) *extension {
	for i := range s.extensions {
		if e := &s.extensions[i]; e.UniStream == stream && e.receive != nil {
			return e
		}
	}
	return nil
}

// serveExtension hands a stream of the peer over, whose type was read.
func (s *session) serveExtension(e *extension, st Stream, r *wire.StreamReader) {
	if !s.agreedOn(e) {
		s.fail(wire.Violation("unknown message type %#x", e.Stream))
		return
	}
	if s.pace.wait(s.ctx) != nil {
		return
	}
	if s.isLeaving() {
		s.abort(st, wire.ResetGoingAway)
		return
	}
	number, ok := s.enterExtension(e)
	if !ok {
		s.fail(wire.Violation("more than %d streams of type %#x", e.maxStreams, e.Stream))
		return
	}
	defer s.leaveExtension(e)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	stop := context.AfterFunc(st.Context(), cancel)
	defer stop()
	e.serve(ctx, &ExtensionPeer{s: s, e: e, number: number}, &typedStream{Stream: st, r: r})
	st.CancelRead(s.d.Reset(wire.ResetCancelled))
}

// enterExtension counts a stream, unless there are too many, and gives its number.
func (s *session) enterExtension(e *extension) (number uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = make(map[*extension]*extensionStreams)
	}
	n := s.streams[e]
	if n == nil {
		n = new(extensionStreams)
		s.streams[e] = n
	}
	if e.maxStreams > 0 && n.open >= e.maxStreams {
		return 0, false
	}
	n.open++
	n.begun++
	return uint64(n.begun - 1), true
}

func (s *session) leaveExtension(e *extension) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[e].open--
}

// receiveExtension hands a unidirectional stream of the peer over.
func (s *session) receiveExtension(e *extension, st ReceiveStream, r *wire.StreamReader) error {
	if !s.agreedOn(e) {
		return wire.Violation("unknown stream type %#x", e.UniStream)
	}
	e.receive(s.ctx, &typedReceiveStream{ReceiveStream: st, r: r})
	st.CancelRead(s.d.Reset(wire.ResetCancelled))
	return nil
}

// typedStream is a stream whose type was read, and perhaps some bytes behind it.
type typedStream struct {
	Stream
	r *wire.StreamReader
}

func (t *typedStream) Read(b []byte) (int, error) { return t.r.Read(b) }

type typedReceiveStream struct {
	ReceiveStream
	r *wire.StreamReader
}

func (t *typedReceiveStream) Read(b []byte) (int, error) { return t.r.Read(b) }

// ExtensionPeer is the peer of a session, for who serves an extension's stream.
type ExtensionPeer struct {
	s      *session
	e      *extension
	number uint64
}

// Number counts the extension's streams of the session, from 0 on.
func (p *ExtensionPeer) Number() uint64 { return p.number }

// Token is what the peer showed with its SETUP, or in its URL; empty when it
// showed nothing.
func (p *ExtensionPeer) Token() string { return p.s.sessionToken() }

// RemoteAddr is the peer's address.
func (p *ExtensionPeer) RemoteAddr() net.Addr { return p.s.conn.RemoteAddr() }

// Logger is the session's.
func (p *ExtensionPeer) Logger() *slog.Logger { return p.s.log }

// MaxLag is Config.MaxLag.
func (p *ExtensionPeer) MaxLag() time.Duration { return p.s.maxLag }

// RTT is the round trip to the peer; zero where the Conn does not know.
func (p *ExtensionPeer) RTT() time.Duration {
	if c, ok := p.s.conn.(interface{ RTT() time.Duration }); ok {
		return c.RTT()
	}
	return 0
}

// Authorize asks Config.Authorize as a request of the peer would.
func (p *ExtensionPeer) Authorize(ctx context.Context, a Action, ns relay.Namespace) (Grant, error) {
	return p.s.grant(ctx, a, ns, p.Token())
}

// Fail ends the session for a fault of the peer.
func (p *ExtensionPeer) Fail(reason string) { p.s.fail(wire.Violation("%s", reason)) }
