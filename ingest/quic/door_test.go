package quic_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/quic"
)

// What comes out is what went in, in both modes.
func TestAccessUnitsArriveWhole(t *testing.T) {
	for _, mode := range []quic.Mode{quic.ModeStream, quic.ModeDatagram} {
		t.Run(mode.String(), func(t *testing.T) {
			s := serve(t, nil)
			client, sink := s.mustDial(t, func(c *quic.ClientConfig) { c.Mode = mode })
			ts := readClip(t)
			send(t, client, ts, 14*188)
			finish(t, client, sink)
			sink.expect(t, ts)
		})
	}
}

func TestRefusalsTellTheReason(t *testing.T) {
	authorize := func(_ context.Context, r ingest.Request) error {
		switch r.Token {
		case "secret":
			return nil
		case "other":
			return ingest.ErrForbidden
		}
		return ingest.ErrUnauthorized
	}
	s := serve(t, authorize)
	with := func(name, token string) func(*quic.ClientConfig) {
		return func(c *quic.ClientConfig) { c.Name, c.Token = name, token }
	}
	client, sink := s.mustDial(t, with("live/cam1", "secret"))
	send(t, client, readClip(t)[:188*100], 188*10)
	for _, c := range []struct {
		name, token string
		want        error
		code        quic.Code
	}{
		{"live/cam1", "secret", ingest.ErrAlreadyPublishing, quic.CodeConflict},
		{"live/cam2", "", ingest.ErrUnauthorized, quic.CodeUnauthorized},
		{"live/cam2", "other", ingest.ErrForbidden, quic.CodeForbidden},
		{"live//cam", "secret", ingest.ErrBadName, quic.CodeBadName},
		{"", "secret", ingest.ErrBadName, quic.CodeBadName},
	} {
		send(t, client, readClip(t)[:188], 188) // The owner is heard.
		_, err := s.dial(t, with(c.name, c.token))
		closed, ok := errors.AsType[*quic.ClosedError](err)
		if !ok || closed.Code != c.code || !errors.Is(err, c.want) {
			t.Errorf("%q with %q: %v, want code %#x, %v", c.name, c.token, err, uint64(c.code), c.want)
		}
	}
	s.sessions.Drain()
	if _, err := s.dial(t, with("live/cam3", "secret")); !errors.Is(err, ingest.ErrDraining) {
		t.Errorf("while draining: %v", err)
	}
	s.door.Close()
	<-client.Context().Done()
	if !errors.Is(client.Err(), ingest.ErrDraining) {
		t.Errorf("the owner ended with %v", client.Err())
	}
	<-sink.ended
}

func TestNoTransportStream(t *testing.T) {
	s := serve(t, nil)
	client, _ := s.mustDial(t, nil)
	if err := client.Send(t.Context(), make([]byte, 188*7), time.Now()); err != nil {
		t.Fatal(err)
	}
	<-client.Context().Done()
	if closed, ok := errors.AsType[*quic.ClosedError](client.Err()); !ok || closed.Code != quic.CodeProtocol {
		t.Errorf("ended with %v", client.Err())
	}
}

// A twentieth of the packets is lost on the way; QUIC sends them again in time.
func TestLossIsRepaired(t *testing.T) {
	s := serve(t, nil)
	p := newProxy(t, s.addr, 0, func(n int) bool { return n > 20 && n%20 == 0 })
	client, sink := s.mustDial(t, func(c *quic.ClientConfig) { c.Address = p.addr() })
	ts := readClip(t)
	send(t, client, ts, 7*188)
	if lost := client.Stats().PacketsLost; lost == 0 {
		t.Error("nothing was lost on the way")
	}
	finish(t, client, sink)
	sink.expect(t, ts)
}

// A path that takes less than what is sent costs batches, and no delay.
func TestSlowPath(t *testing.T) {
	s := serve(t, nil)
	p := newProxy(t, s.addr, 30*time.Millisecond, func(n int) bool { return n > 20 && n%4 == 0 })
	const latency = 100 * time.Millisecond
	client, sink := s.mustDial(t, func(c *quic.ClientConfig) { c.Address, c.Latency = p.addr(), latency })
	ts := readClip(t)
	const batch = 188 * 100
	for begin := time.Now(); time.Since(begin) < 3*time.Second; {
		for b := range slices.Chunk(ts, batch) {
			born := time.Now()
			if err := client.Send(t.Context(), b, born); err != nil {
				t.Fatal(err)
			}
			// A busy machine adds to it; without a deadline it is seconds.
			if d := time.Since(born); d > latency+150*time.Millisecond {
				t.Fatalf("a batch held the next ones up for %v", d)
			}
		}
	}
	dropped := client.Stats().Dropped
	begin := time.Now()
	finish(t, client, sink)
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("the end took %v", d)
	}
	if dropped == 0 || sink.count() == 0 {
		t.Errorf("%d batches were dropped, %d access units received", dropped, sink.count())
	}
}

// Datagrams that are lost stay lost, and the stream goes on without them.
func TestDatagramsAreLost(t *testing.T) {
	s := serve(t, nil)
	p := newProxy(t, s.addr, 0, func(n int) bool { return n > 20 && n%20 == 0 })
	client, sink := s.mustDial(t, func(c *quic.ClientConfig) {
		c.Address, c.Mode, c.Latency = p.addr(), quic.ModeDatagram, 20*time.Millisecond
	})
	ts := readClip(t)
	send(t, client, ts, 6*188)
	finish(t, client, sink)
	if n := sink.count(); n < 100 {
		t.Errorf("only %d access units", n)
	}
	if strings.Contains(s.metrics(t), "freshet_quicts_batches_lost_total 0") {
		t.Error("nothing was lost")
	}
}

// The mapping of a NAT changes under a connection.
func TestRebinding(t *testing.T) {
	s := serve(t, nil)
	p := newProxy(t, s.addr, 0, nil)
	client, sink := s.mustDial(t, func(c *quic.ClientConfig) { c.Address = p.addr() })
	ts := readClip(t)
	half := len(ts) / 376 * 188
	send(t, client, ts[:half], 7*188)
	p.rebind(t)
	send(t, client, ts[half:], 7*188)
	finish(t, client, sink)
	sink.expect(t, ts)
	if !strings.Contains(s.log.String(), "quic publisher has moved") {
		t.Error("the move was not noticed")
	}
}

// A client moves to another socket by itself, and again.
func TestMigration(t *testing.T) {
	s := serve(t, nil)
	client, sink := s.mustDial(t, nil)
	ts := readClip(t)
	third := len(ts) / (3 * 188) * 188
	for i := range 2 {
		send(t, client, ts[i*third:(i+1)*third], 7*188)
		if err := client.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	send(t, client, ts[2*third:], 7*188)
	if rtt := s.stats(t).MsRTT; rtt <= 0 {
		t.Errorf("round-trip time %v ms", rtt)
	}
	finish(t, client, sink)
	sink.expect(t, ts)
	if !strings.Contains(s.log.String(), "quic publisher has moved") {
		t.Error("the move was not noticed")
	}
}
