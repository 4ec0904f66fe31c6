package steady

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// anyCertificate accepts the self-made certificate: trust is not what is
// measured here.
var anyCertificate = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13} //nolint:gosec // loopback only

// Viewers watch the broadcast. The zero value counts bytes alone, which leaves
// most of the machine to who serves them.
type Viewers struct {
	Bytes atomic.Int64
	// Seen, if set, is told how old each object was when all of it had come, by
	// many goroutines at once.
	Seen func(age time.Duration)
}

// Watch views until ctx ends, which is no error. A url of https is for
// WebTransport, one of moqt for raw QUIC.
func (v *Viewers) Watch(ctx context.Context, url string) error {
	conn, err := dial(ctx, url)
	if err == nil {
		err = v.watch(ctx, conn)
	}
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func dial(ctx context.Context, url string) (moqt.Conn, error) {
	if address, ok := strings.CutPrefix(url, "moqt://"); ok {
		return quicconn.Dial(ctx, address, anyCertificate, wire.Protocols(), nil)
	}
	return wtconn.Dial(ctx, url, anyCertificate, wire.Protocols(), nil, nil)
}

func (v *Viewers) watch(ctx context.Context, conn moqt.Conn) error {
	if v.Seen == nil {
		conn = &drain{Conn: conn, bytes: &v.Bytes}
	}
	client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{})
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Subscribe(ctx, broadcast, track, moqt.SubscribeOptions{
		Filter: &wire.Filter{Type: wire.LargestObject}, OnObject: v.see, Rendezvous: 10 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-client.Done():
		return fmt.Errorf("session ended: %w", client.Err())
	}
}

func (v *Viewers) see(o moqt.Object) {
	if !o.End {
		v.Bytes.Add(int64(len(o.Payload)))
		v.Seen(age(o.Payload, o.Arrival))
	}
}

// drain is a connection that reads the streams of media itself and drops what
// they bring.
type drain struct {
	moqt.Conn
	bytes *atomic.Int64
}

// AcceptUniStream gives the streams that carry no media.
func (d *drain) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	for {
		stream, err := d.Conn.AcceptUniStream(ctx)
		if err != nil {
			return nil, err
		}
		// The types of subgroup streams take one byte, that of SETUP more.
		var first [1]byte
		if _, err := io.ReadFull(stream, first[:]); err != nil {
			continue // Reset, or the connection has ended: then none follows.
		}
		if !wire.Draft18.IsSubgroup(uint64(first[0])) {
			return &begun{ReceiveStream: stream, first: first[:]}, nil
		}
		go func() { _, _ = io.Copy((*Counter)(d.bytes), stream) }() // Ends with the connection.
	}
}

// begun is a stream whose first byte was looked at.
type begun struct {
	moqt.ReceiveStream
	first []byte
}

func (s *begun) Read(b []byte) (int, error) {
	if len(s.first) > 0 {
		n := copy(b, s.first)
		s.first = s.first[n:]
		return n, nil
	}
	return s.ReceiveStream.Read(b)
}

// Counter is a writer that only counts.
type Counter atomic.Int64

var _ io.Writer = (*Counter)(nil)

// Write counts b.
func (c *Counter) Write(b []byte) (int, error) {
	(*atomic.Int64)(c).Add(int64(len(b)))
	return len(b), nil
}
