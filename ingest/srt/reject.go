package srt

import (
	"errors"

	gosrt "github.com/datarhei/gosrt"

	"github.com/freshet-live/freshet/ingest"
)

// Reject codes as the wire has them. Predefined codes are libsrt's plus 1000 in
// the handshake already; gosrt has the extended ones (SRT Access Control,
// "Rejection codes") without that offset, so they are spelled out.
const (
	wireBadRequest   gosrt.RejectionReason = 2400
	wireUnauthorized gosrt.RejectionReason = 2401
	wireOverload     gosrt.RejectionReason = 2402
	wireForbidden    gosrt.RejectionReason = 2403
	wireBadMode      gosrt.RejectionReason = 2405
	wireConflict     gosrt.RejectionReason = 2409
	wireMedia        gosrt.RejectionReason = 2415
	wireInternal     gosrt.RejectionReason = 2500
	wireDown         gosrt.RejectionReason = 2503
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
	code gosrt.RejectionReason
	name string
}

var rejections = []rejection{
	{ErrBadStreamID, wireBadRequest, "bad_stream_id"},
	{ErrNoStreamID, wireBadRequest, "no_stream_id"},
	{ingest.ErrBadName, wireBadRequest, "bad_name"},
	{ErrBadMode, wireBadMode, "bad_mode"},
	{ErrBadMedia, wireMedia, "bad_media"},
	{ErrPassphraseMissing, gosrt.REJ_UNSECURE, "passphrase_missing"},
	{ErrPassphraseUnexpected, gosrt.REJ_UNSECURE, "passphrase_unexpected"},
	{ErrWrongPassphrase, gosrt.REJ_BADSECRET, "wrong_passphrase"},
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
