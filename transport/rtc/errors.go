package rtc

import "errors"

// Why a connection came to nothing, or ended.
var (
	// ErrTimeout: it was not open within OpenTimeout.
	ErrTimeout = errors.New("no connection in time")
	// ErrICE: there is no way to the peer, or no longer.
	ErrICE = errors.New("no way to the peer")
	// ErrViolation: the peer broke the protocol.
	ErrViolation = errors.New("peer broke the protocol")
	// ErrIdentity: it is not the peer that the edge made known.
	ErrIdentity = errors.New("not the peer that was made known")
	// ErrClosed: the peer, or this side, closed it.
	ErrClosed = errors.New("connection closed")
	// ErrSlow: the peer does not take what it is told.
	ErrSlow = errors.New("peer takes nothing")
)

// Reason is a word for an error of Run, from a closed set, for `link` and metrics.
func Reason(err error) string {
	for _, r := range []struct {
		err  error
		word string
	}{
		{ErrTimeout, "timeout"},
		{ErrICE, "ice"},
		{ErrIdentity, "identity"},
		{ErrViolation, "protocol"},
		{ErrSlow, "slow"},
	} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "closed"
}
