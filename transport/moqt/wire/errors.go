package wire

import "fmt"

// Error is a fault of the peer that ends the session with Code
// ("Session Termination Error Codes").
type Error struct {
	Code   SessionCode
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s (code %#x)", e.Reason, uint64(e.Code))
}

// Violation is an Error with the code of a protocol violation.
func Violation(format string, args ...any) *Error {
	return &Error{Code: ProtocolViolation, Reason: fmt.Sprintf(format, args...)}
}

// SessionCode says why a session was terminated.
type SessionCode uint64

// Session termination codes; the same numbers in every draft.
const (
	NoError                SessionCode = 0x0
	InternalError          SessionCode = 0x1
	Unauthorized           SessionCode = 0x2
	ProtocolViolation      SessionCode = 0x3
	InvalidRequestID       SessionCode = 0x4
	DuplicateTrackAlias    SessionCode = 0x5
	KeyValueFormatting     SessionCode = 0x6
	TooManyRequests        SessionCode = 0x7 // Up to draft 16.
	InvalidPath            SessionCode = 0x8
	MalformedPath          SessionCode = 0x9
	GoawayTimeout          SessionCode = 0x10
	ControlMessageTimeout  SessionCode = 0x11
	DataStreamTimeout      SessionCode = 0x12
	AuthTokenCacheOverflow SessionCode = 0x13
	VersionNegotiation     SessionCode = 0x15
	UnknownAuthTokenAlias  SessionCode = 0x17
	ExpiredAuthToken       SessionCode = 0x18
)

// RequestCode says why a request failed. The numbers are those of draft 18; a
// Dialect translates.
type RequestCode uint64

// Codes of REQUEST_ERROR.
const (
	RequestInternal          RequestCode = 0x0
	RequestUnauthorized      RequestCode = 0x1
	RequestTimeout           RequestCode = 0x2
	RequestNotSupported      RequestCode = 0x3
	RequestMalformedToken    RequestCode = 0x4
	RequestExpiredToken      RequestCode = 0x5
	RequestGoingAway         RequestCode = 0x6
	RequestExcessiveLoad     RequestCode = 0x9
	RequestDoesNotExist      RequestCode = 0x10
	RequestInvalidRange      RequestCode = 0x11
	RequestDuplicate         RequestCode = 0x19
	RequestUninterested      RequestCode = 0x20
	RequestPrefixOverlap     RequestCode = 0x30
	RequestInvalidJoiningID  RequestCode = 0x32
	RequestUnsupportedExtens RequestCode = 0x33
	RequestRedirect          RequestCode = 0x34
)

var requestNames = map[RequestCode]string{ //nolint:gosec // Names of codes, no credentials.
	RequestInternal:          "internal_error",
	RequestUnauthorized:      "unauthorized",
	RequestTimeout:           "timeout",
	RequestNotSupported:      "not_supported",
	RequestMalformedToken:    "malformed_auth_token",
	RequestExpiredToken:      "expired_auth_token",
	RequestGoingAway:         "going_away",
	RequestExcessiveLoad:     "excessive_load",
	RequestDoesNotExist:      "does_not_exist",
	RequestInvalidRange:      "invalid_range",
	RequestDuplicate:         "duplicate_subscription",
	RequestUninterested:      "uninterested",
	RequestPrefixOverlap:     "prefix_overlap",
	RequestInvalidJoiningID:  "invalid_joining_request_id",
	RequestUnsupportedExtens: "unsupported_extension",
	RequestRedirect:          "redirect",
}

// String is the draft's name in lower case, from a closed set: a code that is
// not known reads as the internal error it is treated as ("Grease").
func (c RequestCode) String() string {
	if s, ok := requestNames[c]; ok {
		return s
	}
	return requestNames[RequestInternal]
}

// DoneCode says why a subscription ended. The numbers are those of draft 18.
type DoneCode uint64

// Codes of PUBLISH_DONE.
const (
	DoneInternal          DoneCode = 0x0
	DoneUnauthorized      DoneCode = 0x1
	DoneTrackEnded        DoneCode = 0x2
	DoneSubscriptionEnded DoneCode = 0x3
	DoneGoingAway         DoneCode = 0x4
	DoneTooFarBehind      DoneCode = 0x5
	DoneExpired           DoneCode = 0x6
	DoneUpdateFailed      DoneCode = 0x8
	DoneExcessiveLoad     DoneCode = 0x9
)

// ResetCode is the code of RESET_STREAM and STOP_SENDING. The numbers are those
// of draft 18.
type ResetCode uint64

// Stream reset codes.
const (
	ResetInternal        ResetCode = 0x0
	ResetCancelled       ResetCode = 0x1
	ResetDeliveryTimeout ResetCode = 0x2
	ResetSessionClosed   ResetCode = 0x3
	ResetGoingAway       ResetCode = 0x4
	ResetTooFarBehind    ResetCode = 0x5
	ResetUnknownStatus   ResetCode = 0x6
	ResetExcessiveLoad   ResetCode = 0x9
)

// OfSubscription tells whether a stream was reset because its subscription ended, which
// says nothing of the group.
func (c ResetCode) OfSubscription() bool {
	return c == ResetCancelled || c == ResetSessionClosed || c == ResetGoingAway
}

// codeTable translates the codes in which a draft differs from draft 18. A code
// that a draft lacks goes out as the nearest one it has.
type codeTable[C ~uint64] struct {
	out map[C]uint64
	in  map[uint64]C
}

func (t codeTable[C]) encode(c C) uint64 {
	if v, ok := t.out[c]; ok {
		return v
	}
	return uint64(c)
}

func (t codeTable[C]) decode(v uint64) C {
	if c, ok := t.in[v]; ok {
		return c
	}
	if w, ok := t.out[C(v)]; ok && w != v {
		return 0 // Unknown here, so internal ("Grease").
	}
	return C(v)
}
