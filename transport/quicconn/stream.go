package quicconn

import (
	"context"
	"errors"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

// sendHalf and receiveHalf are met by the one-way streams of quic-go and by
// the halves of its two-way streams.
type sendHalf interface {
	Write(b []byte) (int, error)
	Close() error
	CancelWrite(code quic.StreamErrorCode)
	Context() context.Context
	SetWriteDeadline(t time.Time) error
}

type receiveHalf interface {
	Read(b []byte) (int, error)
	CancelRead(code quic.StreamErrorCode)
	SetReadDeadline(t time.Time) error
}

type sendStream struct{ s sendHalf }

func (s *sendStream) Write(b []byte) (int, error) {
	n, err := s.s.Write(b)
	return n, convertError(err)
}

func (s *sendStream) Close() error                       { return convertError(s.s.Close()) }
func (s *sendStream) CancelWrite(code uint64)            { s.s.CancelWrite(quic.StreamErrorCode(code)) }
func (s *sendStream) SetWriteDeadline(t time.Time) error { return s.s.SetWriteDeadline(t) }

// Context ends with the stream's sending half; its cause is a moqt error.
func (s *sendStream) Context() context.Context { return convertCause(s.s.Context()) }

type receiveStream struct{ s receiveHalf }

func (s *receiveStream) Read(b []byte) (int, error) {
	n, err := s.s.Read(b)
	return n, convertError(err)
}

func (s *receiveStream) CancelRead(code uint64)            { s.s.CancelRead(quic.StreamErrorCode(code)) }
func (s *receiveStream) SetReadDeadline(t time.Time) error { return s.s.SetReadDeadline(t) }

type stream struct {
	sendStream
	receiveStream
}

func newStream(s *quic.Stream) *stream {
	return &stream{sendStream{s}, receiveStream{s}}
}

// convertCause gives a context that ends with ctx, for an error of moqt.
func convertCause(ctx context.Context) context.Context {
	converted, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { cancel(convertError(context.Cause(ctx))) })
	return converted
}

// convertError gives the errors of moqt for those of quic-go that carry a code.
func convertError(err error) error {
	if err == nil {
		return nil
	}
	if reset, ok := errors.AsType[*quic.StreamError](err); ok {
		return &moqt.StreamError{Code: uint64(reset.ErrorCode), Remote: reset.Remote}
	}
	if closed, ok := errors.AsType[*quic.ApplicationError](err); ok {
		return &moqt.CloseError{Code: uint64(closed.ErrorCode), Reason: closed.ErrorMessage, Remote: closed.Remote}
	}
	return err
}
