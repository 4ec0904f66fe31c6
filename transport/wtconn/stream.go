package wtconn

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

// sendHalf and receiveHalf are met by the one-way streams of webtransport-go
// and by the halves of its two-way streams.
type sendHalf interface {
	Write(b []byte) (int, error)
	Close() error
	CancelWrite(code webtransport.StreamErrorCode)
	Context() context.Context
	SetWriteDeadline(t time.Time) error
}

type receiveHalf interface {
	Read(b []byte) (int, error)
	CancelRead(code webtransport.StreamErrorCode)
	SetReadDeadline(t time.Time) error
}

type sendStream struct{ s sendHalf }

func (s *sendStream) Write(b []byte) (int, error) {
	n, err := s.s.Write(b)
	return n, convertError(err)
}

func (s *sendStream) Close() error                       { return convertError(s.s.Close()) }
func (s *sendStream) CancelWrite(code uint64)            { s.s.CancelWrite(resetCode(code)) }
func (s *sendStream) SetWriteDeadline(t time.Time) error { return s.s.SetWriteDeadline(t) }

// Context ends with the stream's sending half; its cause is a moqt error.
func (s *sendStream) Context() context.Context {
	ctx := s.s.Context()
	converted, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { cancel(convertError(context.Cause(ctx))) })
	return converted
}

type receiveStream struct {
	s         receiveHalf
	mu        sync.Mutex
	cancelled bool // Guarded by mu, which also orders the deadlines.
}

func (s *receiveStream) Read(b []byte) (int, error) {
	n, err := s.s.Read(b)
	return n, convertError(err)
}

// CancelRead also makes a Read return that has met the peer's reset with
// WT_SESSION_GONE: it waits for the session's end, of which webtransport-go does
// not tell a stream that is cancelled; its deadline it heeds.
func (s *receiveStream) CancelRead(code uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled = true
	s.s.CancelRead(resetCode(code))
	_ = s.s.SetReadDeadline(time.Unix(1, 0))
}

// SetReadDeadline does nothing any more once the stream is cancelled.
func (s *receiveStream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancelled {
		return nil
	}
	return s.s.SetReadDeadline(t)
}

type stream struct {
	sendStream
	receiveStream
}

func newStream(s *webtransport.Stream) *stream {
	return &stream{sendStream{s}, receiveStream{s: s}}
}

// resetCode fits a code into the 32 bits that WebTransport has for it.
func resetCode(code uint64) webtransport.StreamErrorCode {
	return webtransport.StreamErrorCode(min(code, math.MaxUint32))
}

// convertError gives the errors of moqt for those that carry a code.
func convertError(err error) error {
	if err == nil {
		return nil
	}
	if reset, ok := errors.AsType[*webtransport.StreamError](err); ok {
		return &moqt.StreamError{Code: uint64(reset.ErrorCode), Remote: reset.Remote}
	}
	if closed, ok := errors.AsType[*webtransport.SessionError](err); ok {
		return &moqt.CloseError{Code: uint64(closed.ErrorCode), Reason: closed.Message, Remote: closed.Remote}
	}
	if reset, ok := errors.AsType[*quic.StreamError](err); ok {
		if code, ok := fromHTTPCode(uint64(reset.ErrorCode)); ok {
			return &moqt.StreamError{Code: code, Remote: reset.Remote}
		}
		return err
	}
	// A connection closed in order ends its sessions in order: HTTP/3 codes
	// say nothing in MoQT.
	if closed, ok := errors.AsType[*quic.ApplicationError](err); ok &&
		closed.ErrorCode == quic.ApplicationErrorCode(http3.ErrCodeNoError) {
		return &moqt.CloseError{Reason: closed.ErrorMessage, Remote: closed.Remote}
	}
	return err
}

// The range of HTTP/3 error codes that carries the codes of WebTransport
// streams (draft-ietf-webtrans-http3, section "Resetting Data Streams").
const (
	firstHTTPCode = 0x52e4a40fa8db
	lastHTTPCode  = 0x52e5ac983162
)

// fromHTTPCode undoes the mapping, which leaves out every 31st code because
// HTTP/3 reserves it.
func fromHTTPCode(h uint64) (code uint64, ok bool) {
	if h < firstHTTPCode || h > lastHTTPCode || (h-0x21)%0x1f == 0 {
		return 0, false
	}
	shifted := h - firstHTTPCode
	return shifted - shifted/0x1f, true
}
