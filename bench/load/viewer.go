package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// anyCertificate accepts the self-made certificate: trust is not what is
// measured here.
var anyCertificate = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13} //nolint:gosec // loopback only

// View watches all tracks of a broadcast over WebTransport until ctx ends,
// which is no error. It begins as players do, where decoding can: at the start of
// the newest group. url is where sessions are opened.
func View(ctx context.Context, url string, ns relay.Namespace, received *Received) error {
	return ViewTracks(ctx, url, ns, nil, received)
}

// ViewTracks is View of some tracks of a broadcast that need not be in a catalog; a URL
// of moqt is for raw QUIC.
func ViewTracks(ctx context.Context, url string, ns relay.Namespace, tracks []string, received *Received) error {
	conn, err := dial(ctx, url)
	if err != nil {
		return unlessOver(ctx, err)
	}
	tapped := &tap{Conn: conn, received: received}
	client, err := moqt.NewClient(ctx, tapped, moqt.ClientConfig{})
	if err == nil {
		err = errors.Join(view(ctx, client, tapped, ns, tracks), client.Close())
	}
	return unlessOver(ctx, err)
}

// ViewBare reads what a server sends that has nothing to be asked for, in the
// streams of MoQT without its requests.
func ViewBare(ctx context.Context, url string, received *Received) error {
	conn, err := dial(ctx, url)
	if err != nil {
		return unlessOver(ctx, err)
	}
	tapped := &tap{Conn: conn, received: received}
	tapped.open.Store(true)
	stream, err := tapped.AcceptUniStream(ctx)
	if err == nil {
		err = fmt.Errorf("a stream that is none of a subgroup: %v", stream)
	}
	return unlessOver(ctx, errors.Join(err, conn.CloseWithError(0, "")))
}

func dial(ctx context.Context, url string) (moqt.Conn, error) {
	if address, ok := strings.CutPrefix(url, "moqt://"); ok {
		return quicconn.Dial(ctx, address, anyCertificate, wire.Protocols(), nil)
	}
	return wtconn.Dial(ctx, url, anyCertificate, wire.Protocols(), nil, nil)
}

// rendezvous is how long a broadcast may be on its way.
const rendezvous = 10 * time.Second

func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func view(ctx context.Context, client *moqt.Client, tapped *tap, ns relay.Namespace, tracks []string) error {
	if tracks == nil {
		catalog, err := rig.Catalog(ctx, client, ns)
		if err != nil {
			return err
		}
		for _, track := range catalog.Tracks {
			tracks = append(tracks, track.Name)
		}
	}
	tapped.open.Store(true)
	for _, track := range tracks {
		// Without a filter it begins with the newest group's first object.
		if _, err := client.Subscribe(ctx, ns, track, moqt.SubscribeOptions{Rendezvous: rendezvous}); err != nil {
			return fmt.Errorf("subscribe to %s: %w", track, err)
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-client.Done():
		return fmt.Errorf("session ended: %w", client.Err())
	}
}

// tap is a connection that reads the streams of subgroups itself once it is open,
// so that receiving costs as little as can be and the same from every server.
type tap struct {
	moqt.Conn
	received *Received
	open     atomic.Bool
}

// AcceptUniStream gives the streams that are not of subgroups.
func (t *tap) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	for {
		stream, err := t.Conn.AcceptUniStream(ctx)
		if err != nil || !t.open.Load() {
			return stream, err
		}
		begun := &begunStream{ReceiveStream: stream}
		kind, err := begun.peek()
		if err != nil {
			continue // It was reset before it began, as a group is that comes too late.
		}
		d, _ := wire.ByProtocol(t.Protocol())
		if d == nil {
			d = wire.Draft18
		}
		if !d.IsSubgroup(kind) {
			return begun, nil
		}
		go t.received.read(begun, d) // Ends with its stream, which ends with the session.
	}
}

// begunStream is a stream whose first byte was looked at.
type begunStream struct {
	moqt.ReceiveStream
	first [1]byte
	given bool
}

// peek gives the type of a stream; those of subgroups take one byte.
func (s *begunStream) peek() (uint64, error) {
	_, err := s.ReceiveStream.Read(s.first[:])
	return uint64(s.first[0]), err
}

func (s *begunStream) Read(b []byte) (int, error) {
	if s.given || len(b) == 0 {
		return s.ReceiveStream.Read(b)
	}
	s.given = true
	return copy(b, s.first[:]), nil
}
