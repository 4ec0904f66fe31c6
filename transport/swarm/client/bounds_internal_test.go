package client

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/rtc"
)

// idle is a machine that nobody runs, in a swarm without an edge that listens.
func idle(t *testing.T) *machine {
	t.Helper()
	m := newMachine(New(Config{Namespace: "live/cam"}), nil)
	m.life = t.Context()
	m.verifier = beacon.NewVerifier(beacon.Config{Namespace: "live/cam", Track: "video", Delay: time.Second})
	m.welcome = &wire.Welcome{Peer: 1, Swarm: 3, Params: wire.ParamsOf(swarm.DefaultParams())}
	return m
}

// Who breaks the protocol is banned, and so is who is somebody else; who is merely gone
// is not.
func TestViolationBans(t *testing.T) {
	for _, tt := range []struct {
		err    error
		banned bool
	}{
		{fmt.Errorf("%w: parts overlap", rtc.ErrViolation), true},
		{fmt.Errorf("%w: certificate", rtc.ErrIdentity), true},
		{rtc.ErrClosed, false},
		{rtc.ErrTimeout, false},
		{rtc.ErrICE, false},
	} {
		m := idle(t)
		l := &link{peer: 7, open: true, cancel: func() {}, began: time.Now()}
		m.links[7] = l
		m.linkEnded(l, tt.err)
		if banned := len(m.v.Stats().Banned) == 1; banned != tt.banned || m.links[7] != nil {
			t.Errorf("%v: banned %v, still known %v", tt.err, banned, m.links[7] != nil)
		}
	}
}

// A beacon that cannot be the packager's costs a peer what a false piece costs; one of a
// key that the catalog may still bring costs nothing.
func TestFalseBeaconBans(t *testing.T) {
	unknown := beacon.Beacon{Group: 1, Time: time.Now().UnixMilli()}
	if err := unknown.Describe([]byte{1}); err != nil {
		t.Fatal(err)
	}
	raw, err := unknown.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		raw    []byte
		banned int
	}{{[]byte("no beacon"), 1}, {raw, 0}} {
		m := idle(t)
		l := &link{peer: 7, open: true, cancel: func() {}}
		m.links[7] = l
		m.peerBeacon(l, time.Now(), tt.raw)
		if s := m.v.Stats(); len(s.Banned) != tt.banned || s.InvalidBeacons != tt.banned {
			t.Errorf("%q: %d banned, %d false beacons", tt.raw, len(s.Banned), s.InvalidBeacons)
		}
	}
}

// Peers that the edge makes known are forgotten when they are many, the oldest first
// and none with a connection.
func TestCandidatesAreBounded(t *testing.T) {
	m := idle(t)
	m.links[1] = &link{peer: 1}
	for id := swarm.PeerID(1); id <= 10*maxCandidates; id++ {
		m.known(time.Now(), &wire.Candidates{Peers: []wire.CandidatePeer{{Peer: id}}})
	}
	if n := len(m.candidates); n != maxCandidates {
		t.Errorf("%d candidates are remembered", n)
	}
	for _, id := range []swarm.PeerID{1, 10 * maxCandidates} {
		if _, ok := m.candidates[id]; !ok {
			t.Errorf("candidate %d is forgotten", id)
		}
	}
}

// Chunks wait for their beacons, a group of them and no more.
func TestEarlyChunksAreBounded(t *testing.T) {
	m := idle(t)
	m.media = newMedia()
	for i := range uint64(10 * maxEarly) {
		m.media.take(m, moqt.Object{Location: relay.Location{Group: 1, Object: i}, Payload: []byte{1}})
	}
	if n := len(m.media.early); n != maxEarly {
		t.Errorf("%d chunks wait", n)
	}
}

// Pieces of another stay of this viewer in the session are not those of this one.
func TestPiecesOfAnotherSwarm(t *testing.T) {
	m := idle(t)
	id := swarm.PieceID{Group: 1}
	m.edgePiece(time.Now(), wire.PiecesHeader{Swarm: 2}, id, []byte{1})
	if _, waits := m.pending.Next(); waits {
		t.Error("a piece of another swarm was taken")
	}
	m.edgePiece(time.Now(), wire.PiecesHeader{Swarm: 3}, id, []byte{1})
	if _, waits := m.pending.Next(); !waits {
		t.Error("a piece of this swarm was not taken")
	}
}

// What a peer sent that waits for its beacon goes with it.
func TestDisconnectForgetsWhatWaits(t *testing.T) {
	m := idle(t)
	m.links[7] = &link{peer: 7, cancel: func() {}}
	m.piece(time.Now(), source{peer: 7}, swarm.PieceID{Group: 1}, []byte{1})
	m.disconnect(7)
	if _, waits := m.pending.Next(); waits {
		t.Error("a piece waits of somebody who is gone")
	}
}

// Played chunks are kept for peers for a while, and no longer.
func TestStoreForgets(t *testing.T) {
	s := newStore()
	for i := range uint64(100) {
		s.add(&beacon.Verified{Beacon: beacon.Beacon{Group: 1, Chunk: i, First: uint32(i), Sizes: []int{1}, PTS: time.Duration(i) * 100 * time.Millisecond}})
		s.pass()
	}
	s.prune(9*time.Second - keepPlayed)
	if n := len(s.chunks); n != 40 || len(s.byKey) != n || s.played != n {
		t.Errorf("%d chunks, %d by key, %d played", n, len(s.byKey), s.played)
	}
	if _, ok := s.byKey[chunkKey{1, 0}]; ok {
		t.Error("the oldest is still there")
	}
}

// An edge that takes no messages has so many waiting, and then no swarm.
func TestUnsentIsBounded(t *testing.T) {
	ended := false
	m := idle(t)
	m.edge = &edgeStream{wake: make(chan struct{}, 1), cancel: func() { ended = true }}
	for range maxUnsent {
		m.tell(&wire.Leave{Reason: "ended"})
	}
	if ended {
		t.Error("it ended early")
	}
	m.tell(&wire.Leave{Reason: "ended"})
	if all, _ := m.edge.take(); !ended || len(all) != maxUnsent {
		t.Errorf("ended %v, %d messages", ended, len(all))
	}
}

// known is Peers with a certificate.
type known struct{ Peers }

func (known) Fingerprint() string { return "0f0f" }
func (known) Uplink() int64       { return 0 }

// Who has not consented tells nobody by what it could be known.
func TestHelloWithoutConsent(t *testing.T) {
	for consent, want := range map[swarm.Consent]string{
		swarm.ConsentUnset: "", swarm.ConsentDenied: "", swarm.ConsentGranted: "0f0f",
	} {
		m := idle(t)
		m.v.cfg.Peers, m.v.cfg.Situation.Consent = known{}, consent
		if got := m.hello().Fingerprint; got != want {
			t.Errorf("%s: fingerprint %q", consent, got)
		}
	}
}

var errLost = errors.New("lost")

// Without its edge's swarm a viewer has no business with peers that the edge made known.
func TestLostSwarmClosesConnections(t *testing.T) {
	m := idle(t)
	m.edge = &edgeStream{wake: make(chan struct{}, 1), cancel: func() {}}
	m.media = &subscription{sub: new(moqt.Subscription)} // It goes on.
	cancelled := 0
	for id := swarm.PeerID(2); id < 5; id++ {
		m.links[id] = &link{peer: id, cancel: func() { cancelled++ }}
	}
	m.edgeEnded(m.edge, errLost)
	if cancelled != 3 || len(m.links) != 0 || m.welcome != nil || m.edge != nil {
		t.Errorf("%d of 3 connections were closed; %d links", cancelled, len(m.links))
	}
}
