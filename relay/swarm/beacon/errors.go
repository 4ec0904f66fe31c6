package beacon

import "errors"

// Why a beacon or a piece does not count; test with errors.Is. Reason gives the
// word for each.
var (
	// ErrMalformed: the bytes are no beacon of version 1, or keys of the wrong shape.
	ErrMalformed = errors.New("malformed")
	// ErrStreamKey: the catalog names another stream key than the pinned one.
	ErrStreamKey = errors.New("not the stream's key")
	// ErrCertificate: a session key without the stream key's word for it, as one of
	// another stream is.
	ErrCertificate = errors.New("session key is not certified")
	// ErrUnknownKey: of a session key that the catalog does not have, or not yet.
	ErrUnknownKey = errors.New("unknown session key")
	// ErrKeyTime: signed outside of its key's time.
	ErrKeyTime = errors.New("signed outside of the key's time")
	// ErrKeyGroup: of a group from before its key.
	ErrKeyGroup = errors.New("group from before the key")
	// ErrStale: signed too long ago, as a replay is.
	ErrStale = errors.New("signed too long ago")
	// ErrFuture: signed in the future.
	ErrFuture = errors.New("signed in the future")
	// ErrOld: of a group that has left the window.
	ErrOld = errors.New("older than the window")
	// ErrSignature: not signed by its key, or for another stream or track.
	ErrSignature = errors.New("signature does not hold")
	// ErrConflict: the chunk is known with other bytes.
	ErrConflict = errors.New("chunk is known with other bytes")
	// ErrFirst: its piece numbers contradict those of the chunks beside it.
	ErrFirst = errors.New("piece numbers contradict the neighbours")

	// ErrUnknown: a piece without a beacon yet. It may be held, never passed on.
	ErrUnknown = errors.New("no beacon speaks of the piece yet")
	// ErrPiece: a piece with other bytes than those that were signed.
	ErrPiece = errors.New("piece is not what was signed")
	// ErrEvidence: what is shown proves nothing.
	ErrEvidence = errors.New("no evidence")
)

var reasons = []struct {
	err  error
	word string
}{
	{ErrMalformed, "malformed"},
	{ErrStreamKey, "stream_key"},
	{ErrCertificate, "certificate"},
	{ErrUnknownKey, "unknown_key"},
	{ErrKeyTime, "key_time"},
	{ErrKeyGroup, "key_group"},
	{ErrStale, "stale"},
	{ErrFuture, "future"},
	{ErrOld, "old"},
	{ErrSignature, "signature"},
	{ErrConflict, "conflict"},
	{ErrFirst, "first"},
	{ErrUnknown, "unknown"},
	{ErrPiece, "piece"},
	{ErrEvidence, "evidence"},
}

// Reason gives the word of an error of this package, from a closed set: safe as a
// metric label. It is empty for nil, "other" for what is not of this package.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "other"
}
