// Package shards has several processes serve one address, each with sockets of its own
// (SO_REUSEPORT, socket(7)). Connections over TCP go to one or the other by the
// kernel's hash. QUIC's packets go where their connection is: each process chooses
// connection IDs whose first byte says its number (ConnectionIDs), and a filter at the
// socket reads it, so that a client may change its address. A client chooses the first
// connection ID itself, at random (RFC 9000 section 7.2), which spreads new connections.
//
// Whoever starts the processes binds the sockets and keeps them: what comes for a process
// that has crashed waits for its successor, and the numbers stay what they are.
package shards
