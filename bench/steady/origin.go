// Package steady is a broadcast of even chunks for measuring relays: an origin of
// it as a process, an edge behind, and viewers. An encoder's key pictures are many
// times as large as the others, so what they cost depends on the picture; here
// each chunk is as large as each other and tells when it was published.
package steady

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// broadcast and track are what is published.
const (
	broadcast = relay.Namespace("live/steady")
	track     = "video"
)

const (
	// rate is that of pictures, and so of chunks; a group lasts a second.
	rate = 30
	// window is the log's, as a gateway has it by default.
	window = 30 * time.Second
)

// serve is the origin: it prints its address and publishes at kbits kbit/s over
// raw QUIC until ctx ends.
func serve(ctx context.Context, kbits int) error {
	source, err := certs.New(certs.Config{})
	if err != nil {
		return err
	}
	r := relay.New(relay.Config{})
	server := moqt.NewServer(moqt.Config{Relay: r})
	listener, err := quicconn.New(quicconn.Config{
		Addr: "127.0.0.1:0", Protocols: wire.Protocols(),
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: source.GetCertificate},
		MoQ: func(_ context.Context, conn moqt.Conn) { _ = server.Serve(ctx, conn) },
	})
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	published := make(chan error, 1)
	go func() {
		defer stop()
		published <- (&Source{Relay: r, Name: broadcast, Kbits: kbits}).Run(ctx)
	}()
	return errors.Join(listener.Run(ctx), <-published)
}

// Chunk is the size in bytes of a chunk at a rate in kbit/s.
func Chunk(kbits int) int { return kbits * 1000 / 8 / rate }

// stamped is an object whose payload begins with the time.
func stamped(size int) relay.Object {
	now := time.Now()
	payload := make([]byte, max(size, StampSize))
	PutStamp(payload, now)
	return relay.Object{Payload: payload, Complete: now}
}

// age is how long ago a payload was published, on the clock of this machine.
func age(payload []byte, now time.Time) time.Duration {
	at, ok := Stamp(payload)
	if !ok {
		return 0
	}
	return now.Sub(at)
}
