// Package wire is what viewers and edges, and viewers among themselves, say to each
// other about a swarm: bytes to messages and back, every bound checked, nothing
// decided. The whole of it is docs/swarm-protocol.md; integers without a width are
// those of RFC 9000, section 16.
//
// Viewer and edge (session*.go), on a bidirectional stream of the viewer's MoQ session:
//
//	Message { Length (i) <= 65536, JSON {"t": "hello", ...} } ...
//
// and on unidirectional streams of the edge, from behind the stream's type on:
//
//	Stream { Swarm (i), Kind (i), ID (i), Piece ... }
//	Piece  { Group (i), N (i), Size (i) <= 32768, Bytes }
//
// Fields and messages that are not known are ignored; what breaks a bound is an error,
// which ends the session.
package wire
