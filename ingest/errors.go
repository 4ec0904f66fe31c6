package ingest

import (
	"context"
	"errors"
)

// The reasons why nobody may publish, or may no longer; test with errors.Is.
var (
	// ErrBadName: the name is not one that a broadcast can have.
	ErrBadName = errors.New("bad name")
	// ErrUnauthorized: no credentials, or wrong ones.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the publisher is known and may not publish this name.
	ErrForbidden = errors.New("forbidden")
	// ErrExpired: what the publisher may publish by has run out.
	ErrExpired = errors.New("authorization has expired")
	// ErrAlreadyPublishing: the name has an owner who is alive.
	ErrAlreadyPublishing = errors.New("already publishing")
	// ErrDraining: the gateway is going down and takes no new work.
	ErrDraining = errors.New("draining")
	// ErrTakenOver: the session was silent and the same name came back by
	// another connection.
	ErrTakenOver = errors.New("taken over by a new connection")
	// ErrClosed: the session has ended.
	ErrClosed = errors.New("session closed")
)

// refusal names err for the metric: a closed set of labels.
func refusal(err error) string {
	reasons := []struct {
		err  error
		name string
	}{
		{ErrBadName, "bad_name"},
		{ErrUnauthorized, "unauthorized"},
		{ErrForbidden, "forbidden"},
		{ErrAlreadyPublishing, "already_publishing"},
		{ErrDraining, "draining"},
		{context.Canceled, "gone"},
		{context.DeadlineExceeded, "gone"},
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	return "internal"
}
