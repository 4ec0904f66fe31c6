// Package beacon is how a viewer knows that a piece of a chunk, whoever sent it, is
// what the packager made: a beacon per chunk, signed, with the hash of each piece.
//
//	packager: Authority (stream key -> certified session keys) -> Signer -> Beacon
//	viewer:   catalog's Keys, Beacon, piece -> Verifier -> genuine, false, unknown yet
//	                                 unknown -> Pending -> genuine, false, given up
//
// The wire format is in docs/swarm-protocol.md, section Beacons:
//
//	Beacon { Version (8), Key ID (32), Group, Chunk, First, PTS, Time, Count,
//	         Size (Count times), Hash (256) (Count times), Signature (512) }
//
// Nothing here has a clock, a socket or a goroutine. Signer, Authority, Verifier
// and Pending are used by one goroutine at a time. The browser has the same in
// web/src/swarm/beacon.ts; testdata/vectors.json holds the two together.
package beacon
