// Package moqt speaks Media over QUIC Transport (draft-ietf-moq-transport),
// drafts 18 and 16, over any Conn.
package moqt
