package quicconn

import (
	"time"

	"github.com/quic-go/quic-go"
)

// ServerConfig is the QUIC configuration of accepted connections. A viewer
// sends requests and acknowledgements, media goes the other way: what costs
// memory on the receiving side is therefore small.
func ServerConfig() *quic.Config {
	return &quic.Config{
		// A handshake that stands still for so long is given up; twice this
		// time is the limit for all of it.
		HandshakeIdleTimeout: 5 * time.Second,
		// A viewer may come back from a tunnel or a lift within it.
		MaxIdleTimeout: 30 * time.Second,
		// Keeps the mapping of a NAT open while a paused viewer is sent
		// nothing: some forget a flow after 30 s, a few after 15 s.
		KeepAlivePeriod: 10 * time.Second,
		// Requests are short. A publisher over MoQ fills these windows, which
		// grow as it is read: 2 MiB carry 100 Mbit/s at 160 ms of RTT.
		InitialStreamReceiveWindow:     64 << 10,
		InitialConnectionReceiveWindow: 128 << 10,
		MaxStreamReceiveWindow:         2 << 20,
		MaxConnectionReceiveWindow:     4 << 20,
		// One for each request that is open, each subscription being one from draft 17
		// on; HTTP/3 asks for at least 100 (RFC 9114 section 6.1). A viewer's session
		// refuses requests long before that; a relay has a subscription for each track that
		// any of its viewers watches (moqt.Limits).
		MaxIncomingStreams: 1024,
		// One for each group that a publisher has under way over all tracks.
		MaxIncomingUniStreams: 256,
		// Replayed requests are not worth a round trip: WebTransport and MoQT
		// sessions are not idempotent.
		Allow0RTT: false,
		// WebTransport demands both, also of raw MoQT's datagrams the first.
		EnableDatagrams:                  true,
		EnableStreamResetPartialDelivery: true,
	}
}

// UplinkConfig is for a relay's connection to its parent: a parent that vanishes
// is missed within seconds, on a link that is never quiet for long.
func UplinkConfig() *quic.Config {
	c := ClientConfig()
	c.MaxIdleTimeout = 3 * time.Second
	// What is alive answers so often, and silence means something.
	c.KeepAlivePeriod = 200 * time.Millisecond
	return c
}

// ClientConfig is for Dial, here and over WebTransport: a client receives media, so
// its windows are those of quic-go (up to 15 MB), and a whole queue of groups may
// come at once.
func ClientConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:             5 * time.Second,
		MaxIdleTimeout:                   30 * time.Second,
		KeepAlivePeriod:                  10 * time.Second,
		MaxIncomingStreams:               128,
		MaxIncomingUniStreams:            1024,
		EnableDatagrams:                  true,
		EnableStreamResetPartialDelivery: true,
	}
}
