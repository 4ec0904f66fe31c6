package swarm_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/swarm"
)

// The whole of it over QUIC: two viewers are fed, are introduced, signal, and change
// what they are fed without a hole; a hedge is answered within a round trip.
func TestCity(t *testing.T) {
	inCity(t, nil, func(c *city) {
		t := c.t
		stop := c.publish(40, 50_000)
		a, b := c.visit("8.8.8.1", nil), c.visit("8.8.8.2", nil)
		defer a.leave()
		defer b.leave()
		a.say(&wire.Feed{Subs: 1<<k - 1, Group: 1})
		b.say(&wire.Feed{Subs: 1<<k - 1, Group: 1})
		watch(8*time.Second, a, b)
		if a.candidate(b).Token != b.candidate(a).Token {
			t.Error("the tokens differ")
		}
		a.say(&wire.Signal{Peer: b.id(), Description: &wire.Description{Type: "offer", SDP: sdpOf(fingerprint(a.host))}})
		time.Sleep(100 * time.Millisecond)
		if s := said[*wire.Signal](b); len(s) != 1 || s[0].Peer != a.id() || !strings.Contains(s[0].Description.SDP, "a=ice-ufrag:abcd") {
			t.Errorf("signals are %+v", s)
		}
		// b takes over two sub-streams of a, from a group that is still to come.
		l, _ := c.video.Largest()
		a.say(&wire.Feed{Subs: 0b0011, Group: l.Group + 2})
		begun := time.Now()
		b.say(&wire.Hedge{ID: 5, Group: l.Group, N: 0, Bits: bitsOf(0, 0)})
		for len(b.deliveries(wire.PiecesHedged)) == 0 || !b.deliveries(wire.PiecesHedged)[0].done {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(begun); took > 3*oneWay+5*time.Millisecond {
			t.Errorf("the hedge took %v", took)
		}
		watch(6*time.Second, a, b)
		stop()
		time.Sleep(time.Second)
		last, _ := c.video.Largest()
		var want map[policy.PieceID]string
		for group := uint64(1); group <= last.Group; group++ {
			sizes := make([]int, 10)
			if group == last.Group {
				sizes = sizes[:last.Object+1]
			}
			for i := range sizes {
				sizes[i] = 50_000
			}
			all := piecesOf(group, sizes...)
			if group >= l.Group+2 {
				all = only(all, inSubs(0b0011))
			}
			want = merge(want, all)
		}
		expectFed(t, a, want)
	})
}

// Where a viewer is decides before it is asked anything.
func TestPlaces(t *testing.T) {
	places := atlas{
		"8.0.0.1": {ASN: 100, Country: "FR"}, "8.0.1.1": {ASN: 100, Country: "FR"}, "8.0.2.1": {ASN: 666, Country: "FR"},
		"8.0.3.1": {ASN: 100, Country: "CN"}, "8.0.4.1": {ASN: 300, Country: "us"},
	}
	inCity(t, func(c *swarm.Config, _ *moqt.Config) {
		c.Places = places
		c.Policy = swarm.Policy{
			Params: params(),
			Off:    []uint32{666}, Carriers: []uint32{300}, DefaultAsk: swarm.AskFirst,
			Ask: map[string]swarm.Ask{"CN": swarm.AskOff, "US": swarm.AskNot},
		}
	}, func(c *city) {
		t := c.t
		defer c.publish(40, 50_000)()
		first := c.visit("8.0.0.1", nil)
		defer first.leave()
		for ip, want := range map[string]struct {
			mode   policy.Mode
			reason policy.Reason
			ask    string
		}{
			"8.0.1.1": {policy.ModeOn, "", "ask"},
			"8.0.2.1": {policy.ModeEdge, "network", "ask"},
			"8.0.3.1": {policy.ModeEdge, "operator", "off"},
			"8.0.4.1": {policy.ModeEdge, "cellular", "allow"},
		} {
			g := c.visit(ip, func(h *wire.Hello) { h.Net = policy.NetUnknown })
			w := wantOne[*wire.Welcome](g)
			if w.Mode != want.mode || w.Reason != want.reason || w.Ask != want.ask {
				t.Errorf("%s: %q, %q, %q; want %+v", ip, w.Mode, w.Reason, w.Ask, want)
			}
			if len(said[*wire.Candidates](g)) > 0 && want.mode == policy.ModeEdge {
				t.Errorf("%s: peers were made known", ip)
			}
			g.leave()
			time.Sleep(time.Second)
		}
	})
}

// beaconsOf publishes a track of beacons beside the video, of chunks as chunkOf makes
// them.
func (s *stage) beaconsOf(group uint64, sizes ...int) (raw [][]byte) {
	s.tb.Helper()
	t, ok := s.video.Broadcast().Track("video" + beacon.Suffix)
	if !ok {
		var err error
		t, err = s.video.Broadcast().NewTrack("video"+beacon.Suffix, relay.TrackConfig{Window: 30 * time.Second})
		s.must(err)
	}
	g, err := t.NewGroup(group)
	s.must(err)
	next := uint32(0)
	for i, size := range sizes {
		b := beacon.Beacon{Group: group, Chunk: uint64(i), First: next, Time: 1}
		s.must(b.Describe(chunkOf(group, uint64(i), size)))
		text, err := b.Encode(nil)
		s.must(err)
		next = b.End()
		raw = append(raw, text)
		s.must(g.Append(relay.Object{Payload: text, Complete: time.Now()}))
	}
	return raw
}

// Whoever sent what no beacon signs is banned within a second, and stays out when it
// comes back; who accuses without evidence bans nobody.
func TestPolluter(t *testing.T) {
	t.Run("piece", func(t *testing.T) { pollute(t, false) })
	t.Run("beacon", func(t *testing.T) { pollute(t, true) })
}

// pollute has a viewer send a false piece, or a false beacon.
func pollute(t *testing.T, falseBeacon bool) {
	t.Helper()
	inCity(t, nil, func(c *city) {
		t := c.t
		raw := c.beaconsOf(1, 50_000)
		stop := c.publish(60, 50_000)
		defer stop()
		honest, polluter := c.visit("8.8.8.1", nil), c.visit("8.8.9.2", nil)
		defer honest.leave()
		watch(8*time.Second, honest, polluter)
		honest.candidate(polluter)
		genuine := []byte(piecesOf(1, 50_000)[policy.PieceID{Group: 1, N: 1}])
		for _, m := range []*wire.Invalid{
			{Peer: polluter.id(), Group: 1, N: 1, Beacon: raw[0], Piece: []byte("not connected yet")},
		} {
			honest.say(m)
		}
		honest.say(&wire.Link{Peer: polluter.id(), State: policy.LinkOpen})
		time.Sleep(200 * time.Millisecond)
		for result, m := range map[string]*wire.Invalid{
			"genuine": {Beacon: raw[0], Piece: genuine}, "forged": {Beacon: []byte("forged"), Piece: []byte("bad")},
			"genuine beacon": {Beacon: raw[0]}, "no beacon": {Beacon: []byte("forged")},
		} {
			m.Peer, m.Group, m.N = polluter.id(), 1, 1
			honest.say(m)
			time.Sleep(200 * time.Millisecond)
			if n := metric(t, c.reg, "freshet_swarm_bans_total"); n != 0 {
				t.Fatalf("%s: banned", result)
			}
		}
		accusation := &wire.Invalid{Peer: polluter.id(), Group: 1, N: 1, Beacon: raw[0], Piece: flipped(genuine)}
		if falseBeacon {
			accusation.Beacon, accusation.Piece = flipped(raw[0]), nil
		}
		begun := time.Now()
		honest.say(accusation)
		for metric(t, c.reg, "freshet_swarm_bans_total") == 0 {
			if time.Since(begun) > time.Second {
				t.Fatal("it is not banned")
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		if e := wantOne[*wire.Error](polluter); e.Reason != "banned" {
			t.Errorf("it was told %q", e.Reason)
		}
		polluter.leave()
		again := c.visit("8.8.9.2", nil)
		defer again.leave()
		if w := wantOne[*wire.Welcome](again); w.Mode != policy.ModeEdge || w.Reason != "banned" {
			t.Errorf("it comes back to %q, %q", w.Mode, w.Reason)
		}
		// It is fed all the same: to watch is not what it is banned from.
		l, _ := c.video.Largest()
		again.say(&wire.Feed{Subs: 1<<k - 1, Group: l.Group})
		time.Sleep(time.Second)
		if len(again.fed()) == 0 {
			t.Error("it is not fed")
		}
	})
}

// flipped is b with a bit of its last byte changed.
func flipped(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// Where the log does not hold the start of a group beacons tell the numbers.
func TestFeedByBeacons(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.beaconsOf(5, 100_000, 40_000, 50_000)
		g, err := s.video.NewGroup(5)
		s.must(err)
		s.must(g.Insert(relay.Object{ID: 2, Payload: chunkOf(5, 2, 50_000), Complete: time.Now()}))
		v := s.join(nil)
		defer v.leave()
		v.say(&wire.Feed{Subs: 1<<k - 1, Group: 5})
		expectFed(t, v, only(piecesOf(5, 100_000, 40_000, 50_000), func(id policy.PieceID) bool { return id.N >= 6 }))
	})
}

// A token says who and until when, and is different for each pair.
func TestTokens(t *testing.T) {
	inCity(t, nil, func(c *city) {
		t := c.t
		defer c.publish(40, 50_000)()
		guests := []*guest{c.visit("8.8.8.1", nil), c.visit("8.8.8.2", nil), c.visit("8.8.8.3", nil)}
		watch(10*time.Second, guests...)
		seen := make(map[string]int)
		for _, g := range guests {
			defer g.leave()
			for _, m := range said[*wire.Candidates](g) {
				for _, p := range m.Peers {
					seen[p.Token]++
					b, err := base64.RawURLEncoding.DecodeString(p.Token)
					if err != nil || len(b) != 1+4+4+8+32 || b[0] != 1 {
						t.Errorf("token is %x, %v", b, err)
					}
				}
			}
		}
		for token, n := range seen {
			if n != 2 {
				t.Errorf("%d have the token %s", n, token)
			}
		}
		if len(seen) < 2 {
			t.Errorf("there are %d pairs", len(seen))
		}
	})
}

// Evidence shows that a piece is wrong, not who made it. Who comes back as somebody
// else, to accuse the next one, is not believed again, nor are its neighbours; who has
// nothing to do with it is.
func TestWordIsUsedUp(t *testing.T) {
	inCity(t, nil, func(c *city) {
		t := c.t
		c.beaconsOf(1, 50_000)
		stop := c.publish(120, 50_000)
		defer stop()
		victims := []*guest{c.visit("8.8.1.1", nil), c.visit("8.8.2.1", nil), c.visit("8.8.3.1", nil)}
		for _, v := range victims {
			defer v.leave()
		}
		accuse := func(ip string) {
			t.Helper()
			g := c.visit(ip, nil)
			defer g.leave()
			watch(12*time.Second, append(victims, g)...)
			victim := victims[0]
			g.candidate(victim)
			g.say(&wire.Link{Peer: victim.id(), State: policy.LinkOpen})
			now, _ := c.video.Largest()
			raw := c.beaconsOf(now.Group, 50_000)
			g.say(&wire.Invalid{Peer: victim.id(), Group: now.Group, N: 1, Beacon: raw[0], Piece: []byte("mine")})
			time.Sleep(time.Second)
		}
		bans := func() int { return int(metric(t, c.reg, "freshet_swarm_bans_total")) }
		accuse("8.8.9.1")
		if bans() != 1 {
			t.Fatalf("%d bans by the first word", bans())
		}
		victims = victims[1:]
		accuse("8.8.9.1")
		accuse("8.8.9.200")
		if bans() != 1 {
			t.Errorf("%d bans by one network's words", bans())
		}
		if n := metric(t, c.reg, "freshet_swarm_accusations_total", "again"); n != 2 {
			t.Errorf("%v accusations were not believed again", n)
		}
		accuse("8.8.10.1")
		if bans() != 2 {
			t.Errorf("%d bans by another's word", bans())
		}
	})
}
