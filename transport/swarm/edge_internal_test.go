package swarm

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// Who was banned stays out with all that its line has, in whatever swarm of this edge,
// for ten minutes; its neighbours do not. However many are banned, it costs no more.
func TestBans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Relay: relay.New(relay.Config{})})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []string{"8.8.8.8", "2001:db8:1:2::7", "127.0.0.1", "::1"} {
			e.ban(netip.MustParseAddr(a))
		}
		for a, want := range map[string]bool{
			"8.8.8.8": true, "::ffff:8.8.8.8": true, "8.8.8.9": false,
			"2001:db8:1:2::7": true, "2001:db8:1:2:ffff::1": true, "2001:db8:1:3::7": false,
			"127.0.0.1": false, "::1": false,
		} {
			if got := e.banned(netip.MustParseAddr(a)); got != want {
				t.Errorf("%s is banned: %v", a, got)
			}
		}
		time.Sleep(banFor - time.Second)
		if !e.banned(netip.MustParseAddr("8.8.8.8")) {
			t.Error("it is over early")
		}
		time.Sleep(2 * time.Second)
		if e.banned(netip.MustParseAddr("8.8.8.8")) {
			t.Error("it is not over")
		}
		for i := range maxBans + 1000 {
			e.ban(netip.AddrFrom4([4]byte{9, 9, byte(i >> 8), byte(i)}))
		}
		if n := len(e.bans); n > maxBans {
			t.Errorf("%d addresses are banned", n)
		}
	})
}

// A token is of one pair with these certificates, in this swarm, until then; both of
// the pair have the same.
func TestTokenBinds(t *testing.T) {
	i := newIssuer()
	a, b := party{1, strings.Repeat("a", 64)}, party{2, strings.Repeat("b", 64)}
	until := time.UnixMilli(1_764_200_000_000)
	token := i.token("live/cam\x00video", a, b, until)
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 1+4+4+8+32 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if i.token("live/cam\x00video", b, a, until) != token {
		t.Error("the other of the pair has another")
	}
	other := party{2, strings.Repeat("c", 64)}
	for what, got := range map[string]string{
		"certificate": i.token("live/cam\x00video", a, other, until), "swarm": i.token("live/cam\x00video.2", a, b, until),
		"time": i.token("live/cam\x00video", a, b, until.Add(time.Second)), "peer": i.token("live/cam\x00video", a, party{3, b.fingerprint}, until),
		"issuer": newIssuer().token("live/cam\x00video", a, b, until), "certificates exchanged": i.token("live/cam\x00video", party{1, b.fingerprint}, party{2, a.fingerprint}, until),
	} {
		if got == token {
			t.Errorf("another %s, and the same token", what)
		}
	}
}

// A network's word counts once in ten minutes; in a private network everybody's does.
func TestWords(t *testing.T) {
	w, now := newWords(), time.Unix(1000, 0)
	for _, tt := range []struct {
		a    string
		want bool
	}{
		{"8.8.8.1", true},
		{"8.8.8.2", false},
		{"::ffff:8.8.8.3", false},
		{"8.8.9.1", true},
		{"2001:db8:7:1::1", true},
		{"2001:db8:7:2::1", false},
		{"2001:db8:8::1", true},
		{"192.168.1.1", true},
		{"192.168.1.2", true},
		{"192.168.1.1", false},
		{"127.0.0.1", true},
		{"127.0.0.1", true},
	} {
		if got := w.take(now, netip.MustParseAddr(tt.a)); got != tt.want {
			t.Errorf("%s is believed: %v", tt.a, got)
		}
	}
	if !w.take(now.Add(wordEvery), netip.MustParseAddr("8.8.8.2")) {
		t.Error("never again")
	}
	for i := range 2 * maxWords {
		w.take(now, netip.AddrFrom4([4]byte{byte(20 + i>>16), byte(i >> 8), byte(i), 1}))
	}
	if len(w.spoken) > maxWords {
		t.Errorf("%d networks are remembered", len(w.spoken))
	}
	if w.take(now, netip.MustParseAddr("99.1.1.1")) {
		t.Error("believed while nobody can be remembered")
	}
}

// Who takes no messages is in the swarm no more: nobody waits for it.
func TestSlowViewer(t *testing.T) {
	e, err := New(Config{Relay: relay.New(relay.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	var why error
	m := &member{edge: e, log: slog.New(slog.DiscardHandler), out: make(chan []byte, outboxSize), cancel: func(err error) { why = err }}
	for range outboxSize {
		m.post(&wire.Slots{Slots: 1})
	}
	if why != nil {
		t.Errorf("%v before the outbox was full", why)
	}
	m.post(&wire.Slots{Slots: 1})
	if !errors.Is(why, errSlow) {
		t.Errorf("it ends with %v", why)
	}
}
