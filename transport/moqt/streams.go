package moqt

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// maxPeerStreams bounds the unidirectional streams that are read at one time;
// more wait in the transport, whose own limit is the peer's credit.
const maxPeerStreams = 256

// acceptStreams takes the peer's bidirectional streams.
func (s *session) acceptStreams() {
	for {
		st, err := s.conn.AcceptStream(s.ctx)
		if err != nil {
			s.fail(err)
			return
		}
		s.tasks.Go(func() { s.serveStream(st) })
	}
}

// serveStream reads a bidirectional stream of the peer: a request with what
// follows it, one of an extension or, in draft 16, the control stream.
func (s *session) serveStream(st Stream) {
	r := s.d.NewStreamReader(st)
	code, err := r.Varint()
	if e := s.extensionOf(code); err == nil && e != nil {
		s.serveExtension(e, st, r)
		return
	}
	var m wire.Message
	if err == nil {
		m, err = r.MessageOf(code)
	}
	if err != nil {
		if e, ok := errors.AsType[*wire.Error](err); ok {
			s.fail(e)
		}
		s.abort(st, wire.ResetInternal)
		return
	}
	if setup, ok := m.(*wire.Setup); ok && s.d.Control == wire.OneBidi && s.role == roleServer {
		s.serveBidiControl(st, r, setup)
		return
	}
	if !s.mayOpenStream(m.Kind()) {
		s.fail(wire.Violation("stream that begins with %s", m.Kind()))
		return
	}
	if s.awaitReady() != nil || s.pace.wait(s.ctx) != nil {
		return
	}
	if err := s.incoming.open(m, st, newMessageWriter(s.d, st)); err != nil {
		s.fail(err)
		return
	}
	s.readRequestStream(m, r)
}

// mayOpenStream tells which messages may begin a bidirectional stream.
func (s *session) mayOpenStream(k wire.Kind) bool {
	if s.d.Control == wire.OneBidi {
		return k == wire.KindSubscribeNamespace
	}
	return k.IsRequest()
}

// readRequestStream reads what follows the request until the stream ends.
func (s *session) readRequestStream(first wire.Message, r *wire.StreamReader) {
	id := requestID(first)
	for {
		m, err := r.Message()
		if err == nil {
			err = s.pace.wait(s.ctx)
		}
		if err != nil {
			s.requestStreamEnd(first, err)
			return
		}
		switch m := m.(type) {
		case *wire.RequestUpdate:
			m.ExistingID = id
			err = s.incoming.update(m)
		case *wire.PublishDone:
			m.RequestID = id
			err = s.incoming.publishDone(m)
		case *wire.Goaway:
			// The request is asked to move; the peer will end it when it has.
		default:
			err = wire.Violation("%s on a request stream", m.Kind())
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
}

// requestStreamEnd acts on the end of the peer's half. A reset cancels the
// request; FIN does for a namespace subscription, and otherwise means only that
// no update will follow ("Request Cancellation and Rejection").
func (s *session) requestStreamEnd(first wire.Message, err error) {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		s.fail(e)
		return
	}
	k := first.Kind()
	if errors.Is(err, io.EOF) && k != wire.KindSubscribeNamespace && k != wire.KindSubscribeTracks {
		return
	}
	s.incoming.cancel(requestID(first))
}

func (s *session) abort(st Stream, c wire.ResetCode) {
	st.CancelRead(s.d.Reset(c))
	st.CancelWrite(s.d.Reset(c))
}

// acceptUniStreams takes the peer's unidirectional streams.
func (s *session) acceptUniStreams() {
	slots := make(chan struct{}, maxPeerStreams)
	before := newTurn(nil)
	before.done()
	for {
		select {
		case slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		st, err := s.conn.AcceptUniStream(s.ctx)
		if err != nil {
			s.fail(err)
			return
		}
		t := newTurn(before)
		before = t
		s.tasks.Go(func() {
			defer func() { <-slots }()
			defer t.done()
			s.serveUniStream(st, t)
		})
	}
}

// turn is a stream's place in the order in which streams were opened. Streams are
// read at the same time, but groups begin in this order.
type turn struct {
	before <-chan struct{} // Closed when the stream before has had its turn.
	over   chan struct{}
	once   sync.Once
}

func newTurn(before *turn) *turn {
	t := &turn{over: make(chan struct{})}
	if before != nil {
		t.before = before.over
	}
	return t
}

// turnWait is how long a stream waits for its turn: the head of the one before may
// be lost and come again.
const turnWait = 50 * time.Millisecond

// await waits for the turn, not for long.
func (t *turn) await(ctx context.Context) {
	timer := time.NewTimer(turnWait)
	defer timer.Stop()
	select {
	case <-t.before:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (t *turn) done() { t.once.Do(func() { close(t.over) }) }

// serveUniStream reads a unidirectional stream of the peer ("Unidirectional
// Stream Types").
func (s *session) serveUniStream(st ReceiveStream, turn *turn) {
	r := s.d.NewStreamReader(st)
	t, err := r.Varint()
	if err != nil {
		s.outgoing.streamLost()
		return
	}
	if !s.d.IsSubgroup(t) {
		turn.done()
	}
	switch {
	case s.d.Control == wire.TwoUni && t == s.d.SetupStream:
		s.serveUniControl(r)
		return
	case t == wire.StreamPadding:
		_, _ = io.Copy(io.Discard, r)
		return
	case s.d.IsSubgroup(t):
		err = s.outgoing.subgroupStream(st, t, r, turn)
	case t == wire.StreamFetch:
		err = s.outgoing.fetchStream(r)
	default:
		if e := s.extensionOfUni(t); e != nil {
			err = s.receiveExtension(e, st, r)
			break
		}
		err = wire.Violation("unknown stream type %#x", t)
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		s.fail(e)
	}
	if err != nil {
		st.CancelRead(s.d.Reset(wire.ResetCancelled))
	}
}

// serveUniControl is the peer's control stream of draft 18; its type is that of
// the SETUP message which it begins with.
func (s *session) serveUniControl(r *wire.StreamReader) {
	m, err := r.MessageOf(s.d.SetupStream)
	if err != nil {
		s.fail(controlEnd(err))
		return
	}
	s.readControl(r, m)
}
