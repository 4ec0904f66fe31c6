package qmux

import (
	"fmt"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Transport error codes (RFC 9000 section 20.1).
const (
	codeFlowControl     = 0x03
	codeStreamLimit     = 0x04
	codeStreamState     = 0x05
	codeFinalSize       = 0x06
	codeFrameEncoding   = 0x07
	codeTransportParams = 0x08
	codeProtocol        = 0x0a
)

// ProtocolError ends a connection whose peer broke the rules of QMux, or says that we did.
type ProtocolError struct {
	// Code is of RFC 9000 section 20.1.
	Code   uint64
	Reason string
	// Remote tells whether the peer found it.
	Remote bool
}

func (e *ProtocolError) Error() string {
	who := "qmux"
	if e.Remote {
		who = "qmux, says the peer"
	}
	return fmt.Sprintf("%s: error %#x: %s", who, e.Code, e.Reason)
}

func violation(code uint64, format string, args ...any) error {
	return &ProtocolError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// closeFrame tells the peer why the connection ends.
func closeFrame(err error) (frame, bool) {
	switch e := err.(type) { //nolint:errorlint // Those that Conn made itself, as they are.
	case *moqt.CloseError:
		return frame{kind: frameApplicationClose, value: e.Code, data: []byte(e.Reason)}, !e.Remote
	case *ProtocolError:
		return frame{kind: frameConnectionClose, value: e.Code, data: []byte(e.Reason)}, !e.Remote
	}
	return frame{}, false
}
