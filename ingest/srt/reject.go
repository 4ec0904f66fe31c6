package srt

import (
	"errors"

	"github.com/freshet-live/freshet/ingest"
)

// Reject codes as the wire has them: libsrt's (SRT Access Control, "Rejection
// codes") plus 1000.
const (
	wireBadSecret    = 1010
	wireUnsecure     = 1011
	wireBadRequest   = 2400
	wireUnauthorized = 2401
	wireOverload     = 2402
	wireForbidden    = 2403
	wireBadMode      = 2405
	wireConflict     = 2409
	wireMedia        = 2415
	wireInternal     = 2500
	wireDown         = 2503
)

// The reasons that this package refuses a caller for, beside those of package
// ingest; test with errors.Is.
var (
	// ErrNoStreamID: the caller names no stream, and there is no default.
	ErrNoStreamID = errors.New("no stream id, and no default stream")
	// ErrPassphraseMissing: the stream has a passphrase, the caller sends in
	// clear.
	ErrPassphraseMissing = errors.New("passphrase required")
	// ErrPassphraseUnexpected: the caller encrypts, the stream has no
	// passphrase.
	ErrPassphraseUnexpected = errors.New("no passphrase is set for this stream")
	// ErrWrongPassphrase: the key material does not open.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrOverload: too many handshakes at once.
	ErrOverload = errors.New("too many callers at once")
)

// rejection is how a reason is told: to the caller by code, to the operator by
// name. Names are metric labels.
type rejection struct {
	err  error
	code uint32
	name string
}

var rejections = []rejection{
	{ErrBadStreamID, wireBadRequest, "bad_stream_id"},
	{ErrNoStreamID, wireBadRequest, "no_stream_id"},
	{ingest.ErrBadName, wireBadRequest, "bad_name"},
	{ErrBadMode, wireBadMode, "bad_mode"},
	{ErrBadMedia, wireMedia, "bad_media"},
	{ErrPassphraseMissing, wireUnsecure, "passphrase_missing"},
	{ErrPassphraseUnexpected, wireUnsecure, "passphrase_unexpected"},
	{ErrWrongPassphrase, wireBadSecret, "wrong_passphrase"},
	{ErrOverload, wireOverload, "overload"},
	{ingest.ErrUnauthorized, wireUnauthorized, "unauthorized"},
	{ingest.ErrForbidden, wireForbidden, "forbidden"},
	{ingest.ErrAlreadyPublishing, wireConflict, "already_publishing"},
	{ingest.ErrDraining, wireDown, "draining"},
}

// rejectionFor finds how to tell err.
func rejectionFor(err error) rejection {
	for _, r := range rejections {
		if errors.Is(err, r.err) {
			return r
		}
	}
	return rejection{err, wireInternal, "internal"}
}
