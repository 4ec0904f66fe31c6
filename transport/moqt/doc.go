// Package moqt speaks Media over QUIC Transport (draft-ietf-moq-transport),
// drafts 18 and 16, over any Conn.
//
// A Server answers the sessions of viewers from a relay.Relay; a Client is the
// other end, for relays, load tools and tests. Both are one session type:
//
//	setup.go, streams.go, control.go   SETUP, and which stream carries what
//	requests.go, exchange.go           the peer's requests in flight
//	subscribe.go, publication.go       what a subscription wants
//	delivery.go, gate.go               its objects, one stream for each group
//	fetch.go, namespaces.go            the past; who is live
//	client_*.go                        our own requests and what they bring
//	wire                               the drafts' bytes, one Dialect each
//
// Each request in flight has a goroutine, which for a subscription is also the
// only one that writes its media. Payloads are those of the relay's log and are
// never copied here. A viewer that falls behind loses groups, never time: the
// stale group's stream is reset, the skip is counted, and delivery goes on at the
// newest group. What a peer can make this side hold is bounded by Limits.
//
// Section titles in comments are those of draft-ietf-moq-transport-18 unless a
// draft is named.
package moqt
