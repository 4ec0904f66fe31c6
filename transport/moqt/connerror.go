package moqt

import "fmt"

// StreamError is what Read and Write of a stream of a Conn give when the
// stream was reset or its reading was stopped: every adapter turns the error of
// its transport into this one. Find it with errors.AsType.
type StreamError struct {
	// Code is the MoQT stream reset code.
	Code uint64
	// Remote tells whether the peer did it.
	Remote bool
}

func (e *StreamError) Error() string {
	if e.Remote {
		return fmt.Sprintf("stream reset by the peer with code %#x", e.Code)
	}
	return fmt.Sprintf("stream reset with code %#x", e.Code)
}

// CloseError is the reason of a Conn that an endpoint closed: the cause of its
// Context, and what every method gives from then on.
type CloseError struct {
	// Code is the MoQT session termination code.
	Code   uint64
	Reason string
	// Remote tells whether the peer did it.
	Remote bool
}

func (e *CloseError) Error() string {
	who := "closed"
	if e.Remote {
		who = "closed by the peer"
	}
	if e.Reason == "" {
		return fmt.Sprintf("%s with code %#x", who, e.Code)
	}
	return fmt.Sprintf("%s with code %#x: %s", who, e.Code, e.Reason)
}
