package swarm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	mwire "github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/swarm"
)

// watch has viewers play on for a while: they report each second.
func watch(d time.Duration, guests ...*guest) {
	for range d / time.Second {
		for _, g := range guests {
			g.say(&wire.Report{
				EdgeBytes: 400_000, PlayTime: wire.Millis(time.Second), Uplink: 20_000_000, Slots: 8,
				Lag: make([]wire.Millis, k),
			})
		}
		time.Sleep(time.Second)
	}
}

// couple is two viewers who were made known to each other.
func couple(t *testing.T, s *stage) (a, b *guest, toA, toB wire.CandidatePeer) {
	t.Helper()
	a, b = s.join(nil), s.join(nil)
	watch(10*time.Second, a, b)
	return a, b, a.candidate(b), b.candidate(a)
}

// candidate is what a viewer was told of another.
func (g *guest) candidate(of *guest) (found wire.CandidatePeer) {
	g.s.tb.Helper()
	for _, m := range said[*wire.Candidates](g) {
		for _, p := range m.Peers {
			if p.Peer == of.id() {
				found = p
			}
		}
	}
	if found.Peer == 0 {
		g.s.tb.Fatalf("viewer %d does not know %d", g.id(), of.id())
	}
	return found
}

func (g *guest) id() policy.PeerID { return wantOne[*wire.Welcome](g).Peer }

// sdpOf is a description with one fingerprint and candidates.
func sdpOf(fingerprint string, candidates ...string) string {
	var pairs []string
	for i := 0; i < len(fingerprint); i += 2 {
		pairs = append(pairs, strings.ToUpper(fingerprint[i:i+2]))
	}
	lines := []string{
		"v=0", "o=- 4611731400430051336 2 IN IP4 192.168.1.7", "s=-", "t=0 0", "a=group:BUNDLE 0",
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 192.168.1.7",
	}
	for _, c := range candidates {
		lines = append(lines, "a="+c)
	}
	lines = append(lines, "a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdef01234567",
		"a=fingerprint:sha-256 "+strings.Join(pairs, ":"), "a=setup:actpass", "a=mid:0", "a=sctp-port:5000")
	return strings.Join(lines, "\r\n") + "\r\n"
}

const (
	publicCandidate  = "candidate:1 1 udp 2113937151 8.8.4.4 50001 typ srflx raddr 192.168.1.7 rport 50000 generation 0"
	privateCandidate = "candidate:2 1 udp 2113937151 192.168.1.7 50000 typ host generation 0"
	mdnsCandidate    = "candidate:3 1 udp 2113937151 0f1a2b3c-1234-4abc-8def-001122334455.local 50000 typ host"
)

func TestViewersAreIntroduced(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(20, 40_000)()
		a, b, toA, toB := couple(t, s)
		defer a.leave()
		defer b.leave()
		if toA.Fingerprint != fingerprint(b.host) || toB.Fingerprint != fingerprint(a.host) {
			t.Error("the fingerprints are others than those of the hellos")
		}
		if toA.Token == "" || toA.Token != toB.Token {
			t.Errorf("the tokens are %q and %q", toA.Token, toB.Token)
		}
		if toA.Offer == toB.Offer {
			t.Error("both are to offer, or none")
		}
		if welcome := wantOne[*wire.Welcome](a); welcome.Mode != policy.ModeEdge || welcome.Reason != "small" {
			t.Errorf("the first viewer is welcomed with %q, %q", welcome.Mode, welcome.Reason)
		}
		if modes := said[*wire.Mode](a); len(modes) != 1 || modes[0].Mode != policy.ModeOn { // b came.
			t.Errorf("modes are %+v", modes)
		}
		a.say(&wire.Signal{Peer: b.id(), Description: &wire.Description{Type: "offer", SDP: sdpOf(fingerprint(a.host), publicCandidate, privateCandidate)}})
		a.say(&wire.Signal{Peer: b.id(), Candidate: &wire.Candidate{Candidate: publicCandidate}})
		a.say(&wire.Signal{Peer: b.id(), Candidate: &wire.Candidate{Candidate: privateCandidate}})
		a.say(&wire.Signal{Peer: b.id(), Candidate: &wire.Candidate{Candidate: mdnsCandidate}})
		a.say(&wire.Signal{Peer: b.id(), Candidate: &wire.Candidate{}})
		blanked := strings.NewReplacer("192.168.1.7 rport 50000", "0.0.0.0 rport 0").Replace(publicCandidate)
		want := []*wire.Signal{
			{Peer: a.id(), Description: &wire.Description{Type: "offer", SDP: strings.ReplaceAll(sdpOf(fingerprint(a.host), blanked), "192.168.1.7", "0.0.0.0")}},
			{Peer: a.id(), Candidate: &wire.Candidate{Candidate: blanked}},
			{Peer: a.id(), Candidate: &wire.Candidate{}},
		}
		if diff := cmp.Diff(want, said[*wire.Signal](b)); diff != "" {
			t.Errorf("signals (-want +got):\n%s", diff)
		}
		if n := metric(t, s.reg, "freshet_swarm_signals_total", "candidate"); n != 2 {
			t.Errorf("%v candidates were left out", n)
		}
	})
}

// In LAN mode addresses of the own network are for those who want it, if the operator
// does.
func TestLANMode(t *testing.T) {
	onStage(t, func(c *swarm.Config, _ *moqt.Config) { c.Policy.LAN = true }, func(s *stage) {
		t := s.t
		defer s.publish(20, 40_000)()
		a := s.join(func(h *wire.Hello) { h.LAN = true })
		b := s.join(nil)
		defer a.leave()
		defer b.leave()
		watch(10*time.Second, a, b)
		if !wantOne[*wire.Welcome](a).LAN || wantOne[*wire.Welcome](b).LAN {
			t.Error("the wrong one is in LAN mode")
		}
		for _, c := range []string{privateCandidate, mdnsCandidate} {
			a.say(&wire.Signal{Peer: b.id(), Candidate: &wire.Candidate{Candidate: c}})
			b.say(&wire.Signal{Peer: a.id(), Candidate: &wire.Candidate{Candidate: c}})
		}
		if n := len(said[*wire.Signal](b)); n != 2 {
			t.Errorf("%d candidates of who is in LAN mode came", n)
		}
		if n := len(said[*wire.Signal](a)); n != 0 {
			t.Errorf("%d candidates of who is not came", n)
		}
	})
}

// A description with another's fingerprint would let a stranger in between; to peers
// that nobody made known, and to those who are not there, nothing goes.
func TestSignallingIsNotSpoofed(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(30, 40_000)()
		a, b, _, _ := couple(t, s)
		stranger := s.join(func(h *wire.Hello) { h.Consent = policy.ConsentUnset; h.Fingerprint = "" })
		defer a.leave()
		defer b.leave()
		defer stranger.leave()
		two := sdpOf(fingerprint(a.host)) + "a=fingerprint:sha-256 " + strings.Repeat("AB:", 31) + "AB\r\n"
		for reason, sdp := range map[string]string{
			"fingerprint": sdpOf(fingerprint(b.host)), "fingerprint ": two, "fingerprint  ": "v=0\r\n",
			"fingerprint   ": strings.Replace(sdpOf(fingerprint(a.host)), "sha-256", "sha-1", 1),
			"sdp":            strings.Repeat("a=x\n", 300) + sdpOf(fingerprint(a.host)),
		} {
			reason = strings.TrimSpace(reason)
			before := metric(t, s.reg, "freshet_swarm_signals_total", reason)
			a.say(&wire.Signal{Peer: b.id(), Description: &wire.Description{Type: "offer", SDP: sdp}})
			synctest.Wait()
			if metric(t, s.reg, "freshet_swarm_signals_total", reason) != before+1 {
				t.Errorf("the reason is not %q for\n%.300s", reason, sdp)
			}
		}
		stranger.say(&wire.Signal{Peer: a.id(), Candidate: &wire.Candidate{}})
		stranger.say(&wire.Signal{Peer: 4711, Candidate: &wire.Candidate{}})
		a.say(&wire.Signal{Peer: stranger.id(), Candidate: &wire.Candidate{}})
		a.say(&wire.Signal{Peer: a.id(), Candidate: &wire.Candidate{}})
		synctest.Wait()
		if n := metric(t, s.reg, "freshet_swarm_signals_total", "stranger"); n != 4 {
			t.Errorf("%v signals to strangers", n)
		}
		for _, g := range []*guest{a, b, stranger} {
			if n := len(said[*wire.Signal](g)); n != 0 {
				t.Errorf("viewer %d heard %d signals", g.id(), n)
			}
		}
	})
}

// A flood of signals reaches nobody, and who floods is still served.
func TestSignalFlood(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(60, 40_000)()
		a, b, _, _ := couple(t, s)
		defer a.leave()
		defer b.leave()
		before := metric(t, s.reg, "freshet_swarm_messages_total", "in")
		for range 1000 {
			a.say(&wire.Signal{Peer: b.id(), Candidate: &wire.Candidate{Candidate: publicCandidate}})
		}
		time.Sleep(2 * time.Second) // 200 messages are read at once, then 100 a second.
		if n := metric(t, s.reg, "freshet_swarm_messages_total", "in") - before; n < 350 || n > 410 {
			t.Errorf("%v messages were read in two seconds", n)
		}
		time.Sleep(13 * time.Second)
		if n := len(said[*wire.Signal](b)); n != 64 {
			t.Errorf("%d of 1000 signals came", n)
		}
		l, _ := s.video.Largest()
		a.say(&wire.Feed{Subs: 1, Group: l.Group + 1})
		time.Sleep(3 * time.Second)
		if len(a.fed()) == 0 {
			t.Error("nothing is fed any more")
		}
	})
}

// No viewer learns of more than twelve others within ten minutes, however many come
// and go.
func TestRevealedPeersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.close()
		defer s.publish(200, 40_000)()
		collector := s.join(nil)
		defer collector.leave()
		for range 30 {
			var crowd []*guest
			for range 2 {
				crowd = append(crowd, s.join(nil))
			}
			watch(4*time.Second, append(crowd, collector)...)
			for _, g := range crowd {
				collector.say(&wire.Link{Peer: g.id(), State: policy.LinkFailed})
				g.leave()
			}
		}
		learnt := make(map[policy.PeerID]bool)
		for _, m := range said[*wire.Candidates](collector) {
			for _, p := range m.Peers {
				learnt[p.Peer] = true
			}
		}
		if n := len(learnt); n > 12 || n < 6 {
			t.Errorf("%d peers were made known", n)
		}
	})
}

// What viewers may claim of others is bounded by whom they know.
func TestClaimsAboutStrangers(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(40, 40_000)()
		a, b, _, _ := couple(t, s)
		liar := s.join(func(h *wire.Hello) { h.Consent = policy.ConsentUnset; h.Fingerprint = "" })
		defer a.leave()
		defer b.leave()
		defer liar.leave()
		for _, peer := range []policy.PeerID{a.id(), b.id(), 99, liar.id(), 0} {
			liar.say(&wire.Link{Peer: peer, State: policy.LinkOpen})
			liar.say(&wire.Parents{Parents: []policy.PeerID{peer, peer, peer, peer}})
			liar.say(&wire.Invalid{Peer: peer, Group: 1, Beacon: []byte("no beacon"), Piece: []byte("no piece")})
			liar.say(&wire.Report{Peers: []wire.PeerReport{{Peer: peer, Score: -100}}})
		}
		watch(5*time.Second, a, b)
		for _, g := range []*guest{a, b} {
			if drops := said[*wire.Drop](g); len(drops) > 0 {
				t.Errorf("viewer %d is told to drop %d", g.id(), drops[0].Peer)
			}
			if modes := said[*wire.Mode](g); len(modes) > 0 && modes[len(modes)-1].Mode != policy.ModeOn {
				t.Errorf("viewer %d is in mode %q", g.id(), modes[len(modes)-1].Mode)
			}
		}
		if n := metric(t, s.reg, "freshet_swarm_accusations_total", "stranger"); n != 5 {
			t.Errorf("%v accusations of strangers", n)
		}
	})
}

// What breaks the protocol ends the session of who did it, and nothing else.
func TestBrokenMessages(t *testing.T) {
	frame := func(text string) []byte { return append([]byte{0x40, byte(len(text))}, text...) }
	for name, b := range map[string][]byte{
		"too long":          {0x80, 1, 0, 1},
		"no JSON":           frame(`{"t":`),
		"hello again":       frame(`{"t":"hello","version":1,"namespace":"a","track":"b","fingerprint":"","consent":"unset","net":"wifi","agent":"other"}`),
		"bound":             frame(`{"t":"feed","subs":99999999}`),
		"integer too large": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, nil, func(s *stage) {
				t := s.t
				s.startGroup(1, 50_000)
				hostile, honest := s.join(nil), s.join(nil)
				defer hostile.leave()
				defer honest.leave()
				_, err := hostile.st.Write(b)
				s.must(err)
				synctest.Wait()
				select {
				case err := <-hostile.ended:
					if e, ok := errors.AsType[*mwire.Error](err); !ok || e.Code != mwire.ProtocolViolation {
						t.Errorf("the session ended with %v", err)
					}
				default:
					t.Error("the session goes on")
				}
				honest.say(&wire.Feed{Subs: 1<<k - 1, Group: 1})
				expectFed(t, honest, piecesOf(1, 50_000))
			})
		})
	}
}

func TestHelloComesFirstAndInTime(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(1, 50_000)
		rude := s.connect()
		defer rude.leave()
		st, err := rude.c.OpenExtension(t.Context(), wire.StreamType)
		s.must(err)
		b, err := wire.AppendMessage(nil, &wire.Feed{Subs: 1, Group: 1})
		s.must(err)
		_, err = st.Write(b)
		s.must(err)
		synctest.Wait()
		if rude.c.Err() == nil {
			t.Error("who says something else first is served")
		}
		silent := s.connect()
		defer silent.leave()
		st, err = silent.c.OpenExtension(t.Context(), wire.StreamType)
		s.must(err)
		begun := time.Now()
		if _, err := st.Read(make([]byte, 1)); err == nil || time.Since(begun) > 6*time.Second {
			t.Errorf("who says nothing is waited for: %v after %v", err, time.Since(begun))
		}
		if silent.c.Err() != nil {
			t.Errorf("its session ended: %v", silent.c.Err())
		}
	})
}

// A ping is answered at once, for the viewer to know how far its edge is.
func TestPing(t *testing.T) {
	inCity(t, nil, func(c *city) {
		defer c.publish(10, 50_000)()
		g := c.visit("8.8.8.1", nil)
		defer g.leave()
		g.say(&wire.Ping{ID: 7})
		time.Sleep(200 * time.Millisecond)
		if got := wantOne[*wire.Pong](g); got.ID != 7 {
			c.t.Errorf("answered to %d", got.ID)
		}
	})
}

// Who may not watch, or asks for what is not there, is told.
func TestRefusals(t *testing.T) {
	onStage(t, func(_ *swarm.Config, m *moqt.Config) {
		m.Authorize = authorizeOnly(cam)
	}, func(s *stage) {
		t := s.t
		s.startGroup(1, 50_000)
		for reason, change := range map[policy.Reason]func(*wire.Hello){
			"unauthorized": func(h *wire.Hello) { h.Namespace = "live/secret" },
			"absent":       func(h *wire.Hello) { h.Track = "video.99" },
		} {
			g := s.join(change)
			if got := wantOne[*wire.Error](g); got.Reason != reason {
				t.Errorf("the reason is %q; want %q", got.Reason, reason)
			}
			if g.c.Err() != nil {
				t.Errorf("the session ended: %v", g.c.Err())
			}
			g.leave()
		}
	})
}

// What was granted for a while ends with it, for the swarm as well.
func TestGrantExpires(t *testing.T) {
	onStage(t, func(_ *swarm.Config, m *moqt.Config) {
		m.Authorize = func(context.Context, moqt.Request) (moqt.Grant, error) {
			return moqt.Grant{Expires: time.Now().Add(5 * time.Second)}, nil
		}
	}, func(s *stage) {
		t := s.t
		s.startGroup(1, 50_000)
		g := s.join(nil)
		defer g.leave()
		time.Sleep(4900 * time.Millisecond)
		if errs := said[*wire.Error](g); len(errs) != 0 {
			t.Errorf("it ended early: %+v", errs)
		}
		time.Sleep(200 * time.Millisecond)
		if got := wantOne[*wire.Error](g); got.Reason != "unauthorized" {
			t.Errorf("the reason is %q", got.Reason)
		}
	})
}

// Consent that comes without a certificate is none: there is nothing that peers would
// know the viewer by.
func TestConsentWithoutCertificate(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(30, 40_000)()
		a, b, _, _ := couple(t, s)
		defer a.leave()
		defer b.leave()
		g := s.join(func(h *wire.Hello) { h.Consent, h.Fingerprint = policy.ConsentUnset, "" })
		defer g.leave()
		granted := policy.ConsentGranted
		g.say(&wire.Update{Consent: &granted})
		watch(6*time.Second, a, b, g)
		for _, m := range said[*wire.Mode](g) {
			if m.Mode != policy.ModeEdge || m.Reason != "consent" {
				t.Errorf("mode %q, reason %q", m.Mode, m.Reason)
			}
		}
		if n := metric(t, s.reg, "freshet_swarm_consent_total", "granted"); n != 2 {
			t.Errorf("%v viewers have consented", n)
		}
	})
}

// The end of the track is the end of the swarm, not of the session.
func TestTrackEnds(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(1, 50_000)
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 1<<k - 1, Group: 1})
		synctest.Wait()
		s.video.Close(nil)
		time.Sleep(time.Second)
		expectFed(t, g, piecesOf(1, 50_000))
		if n := metric(t, s.reg, "freshet_swarm_viewers"); n != 0 {
			t.Errorf("%v viewers are still counted", n)
		}
		if got := wantOne[*wire.Error](g); got.Reason != "ended" || g.c.Err() != nil {
			t.Errorf("reason %q, session %v", got.Reason, g.c.Err())
		}
	})
}

// A viewer may leave and come back on another stream of its session, and be in four
// swarms at a time but no more.
func TestStreamsOfOneSession(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(1, 50_000)
		g := s.connect()
		defer g.leave()
		g.open(helloOf(1))
		g.say(&wire.Leave{Reason: "hidden"})
		synctest.Wait()
		g.open(helloOf(1))
		all := said[*wire.Welcome](g)
		if len(all) != 2 || all[0].Swarm != 0 || all[1].Swarm != 1 || all[0].Peer == all[1].Peer {
			t.Fatalf("welcomes are %+v", all)
		}
		for range 3 {
			g.open(helloOf(1))
		}
		if g.c.Err() != nil {
			t.Fatal(g.c.Err())
		}
		st, err := g.c.OpenExtension(t.Context(), wire.StreamType)
		s.must(err)
		_, _ = st.Read(make([]byte, 1))
		synctest.Wait()
		if g.c.Err() == nil {
			t.Error("a fifth is served")
		}
	})
}
