// Package quic takes MPEG transport streams over QUIC, as docs/ts-over-quic.md
// lays down: one connection is one publisher, on the port that viewers use.
//
//	client ──hello──> Sessions.Open ──welcome──> client
//	       ──batches (a stream each) or datagrams──> reorder ──> mpegts.Demuxer ──AccessUnit──> Session
//
// QUIC itself is quic-go's. Door is the receiving side, Client the sending one.
package quic
