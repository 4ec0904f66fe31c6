// Package rtc connects viewers of a swarm with each other: WebRTC data channels
// on pion, as docs/swarm-protocol.md ("Between peers") has them, so that the
// other side may be a browser.
//
//	Endpoint  a viewer's certificate and settings, what its uplink gives
//	Conn      a connection to one peer: negotiation, HELLO, messages, pieces
//
// A Conn is told what the peer signalled and tells what is to be signalled; it
// knows neither the edge nor what a piece is for. What it hands on is bounded
// and in the protocol's form, but not verified: whoever owns it does that.
package rtc
