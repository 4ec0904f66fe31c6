// Package quicconn owns the UDP socket of a node. It accepts QUIC connections
// and hands each on by its ALPN: h3 to the HTTP/3 and WebTransport server, a
// MoQT protocol such as moqt-18 as a moqt.Conn (draft-ietf-moq-transport,
// section "QUIC").
//
// A Listener is run by one goroutine. Drain stops new connections and leaves
// the others alone; the end of Run's context closes all of them.
package quicconn
