package moqt

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Order says when a MediaStream writes: in turns with all streams of the session that
// carry media, lowest first. Subscriptions come before every Order.
type Order uint16

// The orders that are given out: those of subscriptions end below, since the lowest
// publisher priority at the lowest subscriber priority is what nobody asks for.
const (
	OrderUrgent Order = 0xFFFE
	OrderBulk   Order = 0xFFFF
)

// MediaStream is a unidirectional stream of an extension, whose writes wait for their
// turn among the session's. It is used by one goroutine at a time, but for Cancel.
type MediaStream struct {
	s      *session
	st     SendStream
	ticket ticket
	head   []byte // The stream's type, until the first Write.
}

// OpenUniStream opens a stream, whose type goes out with what is written first. It
// waits for the peer's credit until ctx ends.
func (p *ExtensionPeer) OpenUniStream(ctx context.Context, o Order) (*MediaStream, error) {
	st, err := p.s.conn.OpenUniStream(ctx)
	if err != nil {
		return nil, err
	}
	head := p.s.d.AppendVarint(nil, p.e.UniStream)
	return &MediaStream{s: p.s, st: st, ticket: ticket{key: uint16(o)}, head: head}, nil
}

// Write writes a header and a payload, within MaxLag and ctx; neither is retained.
// After an error the stream is to be cancelled. A peer that takes nothing on any stream for long loses its session.
func (m *MediaStream) Write(ctx context.Context, header, payload []byte) error {
	if m.head != nil {
		header = append(m.head, header...)
		m.head = nil
	}
	_ = m.st.SetWriteDeadline(time.Now().Add(m.s.maxLag))
	stop := context.AfterFunc(ctx, func() { _ = m.st.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	err := m.s.writeMedia(ctx, m.st, &m.ticket, header, payload)
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		m.s.stalled()
	}
	return err
}

// Close sends FIN.
func (m *MediaStream) Close() error {
	m.s.progressed()
	return m.st.Close()
}

// Cancel resets the stream.
func (m *MediaStream) Cancel(c wire.ResetCode) { m.st.CancelWrite(m.s.d.Reset(c)) }

// Context ends when nothing can be written any more.
func (m *MediaStream) Context() context.Context { return m.st.Context() }
