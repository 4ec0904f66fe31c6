package quic

import (
	"context"
	"errors"
	"fmt"

	quicgo "github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// Code is why a connection was closed (docs/ts-over-quic.md, "Codes").
type Code uint64

// The codes of CONNECTION_CLOSE.
const (
	CodeNone              Code = 0x00
	CodeInternal          Code = 0x01
	CodeProtocol          Code = 0x02
	CodeTimeout           Code = 0x03
	CodeOverflow          Code = 0x04
	CodeNoTransportStream Code = 0x05
	// CodeShutdown is what the listener closes with that serves several protocols.
	CodeShutdown     Code = 0x10
	CodeBadName      Code = 0x20
	CodeUnauthorized Code = 0x21
	CodeForbidden    Code = 0x22
	CodeConflict     Code = 0x23
	CodeTakenOver    Code = 0x24
)

// streamExpired resets a batch that is too old to be worth repairing.
const streamExpired quicgo.StreamErrorCode = 0x01

var (
	errProtocol = errors.New("protocol violation")
	errTimeout  = errors.New("no hello in time")
	errOverflow = errors.New("sender runs ahead of what it left out")
	errFinished = errors.New("closed by the encoder")
	errSilent   = errors.New("nothing heard any more")
	errLost     = errors.New("connection lost")
)

// ending is how a reason is told: to the peer by code, to the operator by name.
// Names are metric labels.
type ending struct {
	err  error
	code Code
	name string
}

var endings = []ending{
	{errFinished, CodeNone, "closed_by_encoder"},
	{errSilent, CodeNone, "silent"},
	{errProtocol, CodeProtocol, "protocol_violation"},
	{errTimeout, CodeTimeout, "timeout"},
	{errOverflow, CodeOverflow, "overflow"},
	{mpegts.ErrNoSync, CodeNoTransportStream, "not_a_transport_stream"},
	{ingest.ErrBadName, CodeBadName, "bad_name"},
	{ingest.ErrUnauthorized, CodeUnauthorized, "unauthorized"},
	{ingest.ErrExpired, CodeUnauthorized, "expired"}, // Of one that had been taken in.
	{ingest.ErrForbidden, CodeForbidden, "forbidden"},
	{ingest.ErrAlreadyPublishing, CodeConflict, "already_publishing"},
	{ingest.ErrTakenOver, CodeTakenOver, "taken_over"},
	{ingest.ErrDraining, CodeShutdown, "draining"},
	{errLost, CodeNone, "connection_lost"},
	{context.Canceled, CodeShutdown, "draining"},
}

// endingFor finds how to tell err.
func endingFor(err error) ending {
	for _, e := range endings {
		if errors.Is(err, e.err) {
			return e
		}
	}
	return ending{err, CodeInternal, "internal"}
}

// ClosedError is the server's word at the end of a connection. It unwraps to the
// error of package ingest that the code stands for.
type ClosedError struct {
	Code   Code
	Reason string
}

func (e *ClosedError) Error() string {
	return fmt.Sprintf("closed by the server with code %#x: %s", uint64(e.Code), e.Reason)
}

func (e *ClosedError) Unwrap() error {
	for _, known := range endings {
		if known.code == e.Code && e.Code >= CodeShutdown {
			return known.err
		}
	}
	return nil
}

// closed gives a ClosedError for the peer's CONNECTION_CLOSE, or err.
func closed(err error) error {
	if e, ok := errors.AsType[*quicgo.ApplicationError](err); ok && e.Remote {
		return &ClosedError{Code: Code(e.ErrorCode), Reason: e.ErrorMessage}
	}
	return err
}
