// Package relay is the heart of Freshet: an in-memory, media-blind fan-out of
// live objects.
//
//	Relay ── Broadcast (a Namespace) ── Track ── Group ── Object
//
// The words are those of draft-ietf-moq-transport. A publisher appends Objects
// to the newest Group of a Track and never waits for anybody. A subscriber is
// a Reader: a cursor that walks groups and objects by index. Cache, late join,
// FETCH and the slow viewer are therefore one mechanism: the log.
//
// Ownership: a payload belongs to the log from Append on; it is never written
// again and is shared by every reader. Memory grows with tracks and with the
// window that each Track keeps, never with the number of readers.
//
// The package opens no socket, starts no goroutine and imports nothing of ours.
package relay
