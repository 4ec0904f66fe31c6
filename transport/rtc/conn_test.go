package rtc_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
)

// home is a line 20 ms from everybody else's.
var home = rtctest.Line{Delay: 10 * time.Millisecond}

func behind(n rtctest.NAT) rtctest.Line { return rtctest.Line{NAT: n, Delay: 10 * time.Millisecond} }

func TestOpens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{
			lineA: behind(rtctest.PortDependent), lineB: behind(rtctest.AddressDependent), signalDelay: 20 * time.Millisecond,
		})
		took := p.open(t)
		t.Logf("open after %v at 20 ms round trip, signals 20 ms one way", took)
		if took > time.Second {
			t.Errorf("open after %v", took)
		}
		if !p.a.conn.Open() || !p.b.conn.Open() {
			t.Error("not open")
		}
	})
}

// Pairs that can meet do, whatever NATs they are behind; the others give up after
// OpenTimeout.
func TestNATs(t *testing.T) {
	for _, a := range rtctest.NATs {
		for _, b := range rtctest.NATs {
			t.Run(a.String()+" to "+b.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T) { meet(t, a, b) })
			})
		}
	}
}

func meet(t *testing.T, a, b rtctest.NAT) {
	p := newPair(t, pairConfig{lineA: behind(a), lineB: behind(b), signalDelay: 20 * time.Millisecond})
	if a.Meets(b) {
		p.open(t)
		return
	}
	start := time.Now()
	err := p.a.end(t)
	if !errors.Is(err, rtc.ErrTimeout) || rtc.Reason(err) != "timeout" {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(start); took != rtc.OpenTimeout {
		t.Errorf("gave up after %v", took)
	}
}

func TestPieces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		lossy := rtctest.Line{NAT: rtctest.PortDependent, Delay: 10 * time.Millisecond, Loss: 0.02, Up: 5_000_000}
		p := newPair(t, pairConfig{lineA: lossy, lineB: lossy})
		p.open(t)
		want := map[swarm.PieceID][]byte{}
		for i, size := range []int{1, 100, 16_000, 16_359, 16_384, 20_000, 32_767, 32_768} {
			want[id(7, uint32(i))] = pieceOf(size, byte(i))
		}
		for id, b := range want {
			if !p.a.conn.Push(id, b, nil) {
				t.Fatalf("piece %v not taken", id)
			}
		}
		for len(want) > 0 {
			e := p.b.await(t, rtc.Gave)
			if !bytes.Equal(want[e.ID], e.Bytes) {
				t.Fatalf("piece %v of %d bytes is not as it was sent", e.ID, len(e.Bytes))
			}
			delete(want, e.ID)
		}
		time.Sleep(time.Second)
		if q := p.a.conn.Queued(); q != 0 {
			t.Errorf("%d bytes wait", q)
		}
	})
}

// A beacon goes with the piece that it was given with, control messages before
// all pieces that wait.
func TestOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{lineA: rtctest.Line{Up: 1_000_000}, lineB: home})
		p.open(t)
		for i := range uint32(12) {
			p.a.conn.Push(id(1, i), pieceOf(30_000, 1), []byte("beacon"))
		}
		time.Sleep(500 * time.Millisecond) // Half a million bits of three.
		if err := p.a.conn.Send(&wire.PeerMessage{Type: wire.PeerSub, Sub: 3, ID: id(1, 7)}); err != nil {
			t.Fatal(err)
		}
		sent := time.Now()
		e := p.b.await(t, rtc.Said)
		for e.Message.Type == wire.PeerBeacon {
			if string(e.Message.Bytes) != "beacon" {
				t.Fatalf("beacon %q", e.Message.Bytes)
			}
			e = p.b.await(t, rtc.Said)
		}
		if e.Message.Type != wire.PeerSub || e.Message.Sub != 3 || e.Message.ID != id(1, 7) {
			t.Errorf("said %+v", e.Message)
		}
		if took := time.Since(sent); took > time.Second {
			t.Errorf("a control message waited %v behind pieces", took)
		}
	})
}

// Who says CANCEL gets no piece that was not on its way.
func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{lineA: rtctest.Line{Up: 1_000_000}, lineB: home})
		p.open(t)
		for i := range uint32(10) {
			p.a.conn.Push(id(1, i), pieceOf(30_000, 1), nil)
		}
		if err := p.b.conn.Send(&wire.PeerMessage{Type: wire.PeerCancel, IDs: []swarm.PieceID{id(1, 5), id(1, 6)}}); err != nil {
			t.Fatal(err)
		}
		got := map[uint32]bool{}
		for range 8 {
			got[p.b.await(t, rtc.Gave).ID.N] = true
		}
		if got[5] || got[6] {
			t.Errorf("got %v", got)
		}
	})
}

// What nobody takes is bounded: pushes are refused, and what has become too old is
// not sent.
func TestFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{lineA: rtctest.Line{Up: 500_000}, lineB: home})
		p.open(t)
		taken := 0
		for i := range uint32(40) {
			if p.a.conn.Push(id(1, i), pieceOf(32_768, 1), nil) {
				taken++
			}
		}
		if taken < 16 || taken > 20 {
			t.Errorf("%d pieces of 32 KiB taken, want those of half a megabyte", taken)
		}
		time.Sleep(10 * time.Second)
		got := 0
		for len(p.b.heard) > 0 {
			if e := <-p.b.heard; e.Kind == rtc.Gave {
				got++
			}
		}
		if got < 4 || got > 8 {
			t.Errorf("%d pieces came; 2 s and what was in the association are about 6", got)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{lineA: rtctest.Line{Delay: 30 * time.Millisecond}, lineB: home})
		p.open(t)
		for range 3 {
			if rtt := p.a.await(t, rtc.Measured).RTT; rtt < 40*time.Millisecond || rtt > 42*time.Millisecond {
				t.Errorf("round trip %v, want 40 ms", rtt)
			}
		}
	})
}

// A peer that is gone without a word is noticed.
func TestGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{lineA: home, lineB: home})
		p.open(t)
		p.b.host.SetCut(true)
		start := time.Now()
		if err := p.a.end(t); !errors.Is(err, rtc.ErrICE) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("noticed after %v", took)
		}
	})
}

// Who closes is noticed within a round trip.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPair(t, pairConfig{lineA: home, lineB: home})
		p.open(t)
		p.b.stop()
		start := time.Now()
		if err := p.a.end(t); !errors.Is(err, rtc.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("noticed after %v", took)
		}
	})
}

// The estimate of the uplink comes near its rate, from bursts as a live stream has
// them.
func TestUplink(t *testing.T) {
	for _, rate := range []int64{1_000_000, 4_000_000, 16_000_000} {
		bubble(t, func(t *testing.T) {
			p := newPair(t, pairConfig{lineA: rtctest.Line{Up: rate, Delay: 10 * time.Millisecond}, lineB: home})
			p.open(t)
			if got := p.a.endpoint.Uplink(); got != 0 {
				t.Errorf("estimate of %d before anything was sent", got)
			}
			for i := range uint32(20) {
				for j := range uint32(3) {
					p.a.conn.Push(id(1, 3*i+j), pieceOf(20_000, 1), nil)
				}
				time.Sleep(time.Second)
			}
			got := p.a.endpoint.Uplink()
			t.Logf("%d bit/s, estimated %d", rate, got)
			if got < rate*6/10 || got > rate*11/10 {
				t.Errorf("estimate of %d bit/s for %d", got, rate)
			}
		})
	}
}
