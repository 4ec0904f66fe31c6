package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The numbers of the MoQT extension.
const (
	SetupOption  = 0x66730
	Version      = 1
	StreamType   = 0x66731
	PiecesStream = 0x66732
)

// MaxMessage bounds the JSON of a message.
const MaxMessage = 65_536

// MaxStreams bounds the streams of one session at a time: the swarms that it is in.
const MaxStreams = 4

// ErrInvalid is a message that breaks a rule of the protocol.
var ErrInvalid = errors.New("invalid swarm message")

// Message is a message of the session, a pointer to one of the structs of this
// package.
type Message interface {
	// Kind is the value of the field t.
	Kind() string
	// check gives a fault of the fields.
	check() error
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// ParseViewer reads the JSON of what a viewer says to its edge; nil without an error
// for a message that is not known. b is not retained.
func ParseViewer(b []byte) (Message, error) { return parse(b, viewerMessages) }

// ParseEdge reads the JSON of what an edge says to a viewer.
func ParseEdge(b []byte) (Message, error) { return parse(b, edgeMessages) }

func parse(b []byte, known map[string]func() Message) (Message, error) {
	if len(b) > MaxMessage {
		return nil, invalid("%d bytes", len(b))
	}
	var head struct {
		T string `json:"t"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, invalid("%v", err)
	}
	empty, ok := known[head.T]
	if !ok {
		return nil, nil
	}
	m := empty()
	if err := json.Unmarshal(b, m); err != nil {
		return nil, invalid("%s: %v", head.T, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", head.T, err)
	}
	return m, nil
}

// AppendMessage appends a message with its length. The error is of who calls: the
// message breaks a rule.
func AppendMessage(b []byte, m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return b, fmt.Errorf("%s: %w", m.Kind(), err)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return b, fmt.Errorf("encode %s: %w", m.Kind(), err)
	}
	text := fmt.Appendf(nil, `{"t":%q`, m.Kind())
	if len(body) > len("{}") {
		text = append(text, ',')
	}
	text = append(text, body[1:]...)
	if len(text) > MaxMessage {
		return b, invalid("%s of %d bytes", m.Kind(), len(text))
	}
	return append(appendVarint(b, uint64(len(text))), text...), nil
}
