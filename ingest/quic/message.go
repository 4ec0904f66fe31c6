package quic

import (
	"fmt"
	"io"

	"github.com/quic-go/quic-go/quicvarint"
)

// The messages of the control stream.
const (
	messageHello   = 0x1
	messageWelcome = 0x2
	messageReport  = 0x3
	messageEnd     = 0x4
)

const (
	// maxMessage holds a name and the largest token in use, a JWT of some KB.
	maxMessage = 16 << 10
	// maxParams is far more than any message has.
	maxParams = 32
)

// param is one parameter of a message.
type param struct {
	id    uint64
	value []byte
}

func number(id, v uint64) param { return param{id, quicvarint.Append(nil, v)} }

func text(id uint64, s string) param { return param{id, []byte(s)} }

// message is a type and its parameters.
type message struct {
	kind   uint64
	params []param
}

func (m message) encode() []byte {
	var body []byte
	for _, p := range m.params {
		body = quicvarint.Append(body, p.id)
		body = quicvarint.Append(body, uint64(len(p.value)))
		body = append(body, p.value...)
	}
	b := quicvarint.Append(nil, m.kind)
	b = quicvarint.Append(b, uint64(len(body)))
	return append(b, body...)
}

// readMessage takes one message off r. The error is io.EOF between two messages.
func readMessage(r quicvarint.Reader) (message, error) {
	kind, err := quicvarint.Read(r)
	if err != nil {
		return message{}, err
	}
	n, err := quicvarint.Read(r)
	if err != nil {
		return message{}, short(err)
	}
	if n > maxMessage {
		return message{}, fmt.Errorf("%w: message of %d bytes", errProtocol, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return message{}, short(err)
	}
	params, err := parseParams(body)
	return message{kind, params}, err
}

// short is the end of a stream within a message.
func short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // A reader's own, unwrapped.
		return fmt.Errorf("%w: message cut short", errProtocol)
	}
	return err
}

func parseParams(b []byte) ([]param, error) {
	var out []param
	for len(b) > 0 {
		id, n, err := quicvarint.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("%w: parameter cut short", errProtocol)
		}
		b = b[n:]
		size, n, err := quicvarint.Parse(b)
		if err != nil || size > uint64(len(b)-n) {
			return nil, fmt.Errorf("%w: parameter %#x cut short", errProtocol, id)
		}
		b = b[n:]
		if len(out) == maxParams {
			return nil, fmt.Errorf("%w: more than %d parameters", errProtocol, maxParams)
		}
		for _, p := range out {
			if p.id == id {
				return nil, fmt.Errorf("%w: parameter %#x twice", errProtocol, id)
			}
		}
		out = append(out, param{id, b[:size]})
		b = b[size:]
	}
	return out, nil
}

// bytes is the value of a parameter, nil when it is not there.
func (m message) bytes(id uint64) []byte {
	for _, p := range m.params {
		if p.id == id {
			return p.value
		}
	}
	return nil
}

// number is a parameter's value as an integer, zero when it is not there.
func (m message) number(id uint64) (uint64, error) {
	b := m.bytes(id)
	if b == nil {
		return 0, nil
	}
	v, n, err := quicvarint.Parse(b)
	if err != nil || n != len(b) {
		return 0, fmt.Errorf("%w: parameter %#x is no integer", errProtocol, id)
	}
	return v, nil
}
