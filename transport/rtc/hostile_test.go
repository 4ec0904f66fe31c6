package rtc_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
)

func isError(err, want error) bool { return errors.Is(err, want) }

func part(tb testing.TB, n uint32, offset, size, length int) []byte {
	tb.Helper()
	return message(tb, &wire.PeerMessage{Type: wire.PeerPiece, ID: id(1, n), Offset: offset, Size: size, Bytes: make([]byte, length)})
}

// rawPart is a part that our codec refuses to write.
func rawPart(offset, size uint64, length int) []byte {
	b := []byte{byte(wire.PeerPiece), 1, 0}
	b = quicvarint.Append(b, offset)
	b = quicvarint.Append(b, size)
	return append(b, make([]byte, length)...)
}

// A peer that breaks a rule is closed at once, and nothing of what it sent in bad
// form is handed on.
func TestViolations(t *testing.T) {
	for name, do := range map[string]func(r *rawPeer){
		"malformed control":  func(r *rawPeer) { r.say([]byte{0xff, 1, 2}) },
		"empty message":      func(r *rawPeer) { r.say(nil) },
		"text":               func(r *rawPeer) { _ = r.control.SendText("hello") },
		"a second hello":     func(r *rawPeer) { r.hello() },
		"pong without ping":  func(r *rawPeer) { r.say(binary.BigEndian.AppendUint64([]byte{10}, 99)) },
		"wrong channel":      func(r *rawPeer) { r.give([]byte{3, 1}) },
		"pieces on control":  func(r *rawPeer) { r.say(part(r.tb, 0, 0, 10, 10)) },
		"message too long":   func(r *rawPeer) { r.give(append([]byte{17}, make([]byte, 16384)...)) },
		"piece over 32 KiB":  func(r *rawPeer) { r.give(rawPart(0, 32769, 100)) },
		"piece of gigabytes": func(r *rawPeer) { r.give(rawPart(0, 1<<40, 100)) },
		"over its end":       func(r *rawPeer) { r.give(rawPart(50, 100, 51)) },
		"parts overlap": func(r *rawPeer) {
			r.give(part(r.tb, 0, 0, 1000, 500))
			r.give(part(r.tb, 0, 499, 1000, 501))
		},
		"a part twice": func(r *rawPeer) {
			r.give(part(r.tb, 0, 0, 1000, 500))
			r.give(part(r.tb, 0, 0, 1000, 500))
		},
		"size changes": func(r *rawPeer) {
			r.give(part(r.tb, 0, 0, 1000, 500))
			r.give(part(r.tb, 0, 500, 1001, 500))
		},
		"crumbs": func(r *rawPeer) {
			for i := range 9 {
				r.give(part(r.tb, 0, i, 1000, 1))
			}
		},
		"pieces that never end": func(r *rawPeer) {
			for i := range uint32(65) {
				r.give(part(r.tb, i, 0, 32768, 1))
			}
		},
		"flood of control": func(r *rawPeer) {
			for range 300 {
				r.say([]byte{3, 1})
			}
		},
		"flood of parts": func(r *rawPeer) {
			for i := range uint32(3000) {
				r.give(part(r.tb, i, 0, 1, 1))
			}
		},
		"flood of beacons": func(r *rawPeer) {
			for range 300 {
				r.give([]byte{17, 1})
			}
		},
		"another channel": func(r *rawPeer) { _, _ = r.pc.CreateDataChannel("more", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRawPeer(t, nil)
				r.connect(t)
				do(r)
				r.within(t, time.Second, rtc.ErrViolation)
			})
		})
	}
}

// Who is not the peer that the edge made known is not talked to.
func TestIdentity(t *testing.T) {
	spoof := func(m wire.PeerMessage) func(*rawPeer) {
		m.Type, m.Version = wire.PeerHello, 1
		return func(r *rawPeer) {
			r.open()
			r.say(message(r.tb, &m))
		}
	}
	for name, tt := range map[string]struct {
		change func(*rawPeer, *rtc.ConnConfig)
		do     func(*rawPeer)
		want   error
		or     error
	}{
		"number": {do: spoof(wire.PeerMessage{Peer: 3, Token: []byte(token)}), want: rtc.ErrIdentity},
		"token":  {do: spoof(wire.PeerMessage{Peer: 1, Token: []byte("another token")}), want: rtc.ErrIdentity},
		"none":   {do: spoof(wire.PeerMessage{Peer: 1}), want: rtc.ErrIdentity},
		"not hello": {do: func(r *rawPeer) {
			r.open()
			r.say([]byte{3, 1})
		}, want: rtc.ErrViolation},
		"silence": {do: func(*rawPeer) {}, want: rtc.ErrTimeout},
		"fingerprint in the offer": {change: func(_ *rawPeer, c *rtc.ConnConfig) {
			c.Fingerprint = strings.Repeat("ab", 32)
		}, want: rtc.ErrIdentity},
		// Whoever can change signals says the right fingerprint, and has not got the key.
		"certificate": {change: func(r *rawPeer, c *rtc.ConnConfig) {
			own := c.Fingerprint
			c.Fingerprint = strings.Repeat("ab", 32)
			r.sdp = func(sdp string) string { return withFingerprint(sdp, own, c.Fingerprint) }
		}, want: rtc.ErrICE, or: rtc.ErrClosed}, // Whichever of the two sides ends DTLS first.
		"a second fingerprint": {change: func(r *rawPeer, c *rtc.ConnConfig) {
			other := strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
			r.sdp = func(sdp string) string { return sdp + "a=Fingerprint:sha-256 " + other + "\r\n" }
		}, want: rtc.ErrIdentity},
		"media": {change: func(r *rawPeer, c *rtc.ConnConfig) {
			r.sdp = func(sdp string) string { return sdp + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" }
		}, want: rtc.ErrViolation},
		"no description": {change: func(r *rawPeer, c *rtc.ConnConfig) {
			r.sdp = func(string) string { return "v=0\r\n" }
		}, want: rtc.ErrViolation},
		"long description": {change: func(r *rawPeer, c *rtc.ConnConfig) {
			r.sdp = func(sdp string) string { return sdp + strings.Repeat("a=x\r\n", 4000) }
		}, want: rtc.ErrViolation},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRawPeer(t, tt.change)
				if tt.do != nil {
					tt.do(r)
				}
				r.within(t, rtc.OpenTimeout, tt.want, tt.or)
				for len(r.other.heard) > 0 {
					t.Errorf("heard %+v", <-r.other.heard)
				}
			})
		})
	}
}

// withFingerprint replaces a certificate's fingerprint in a description.
func withFingerprint(sdp, from, to string) string {
	colons := func(hex string) string {
		var b strings.Builder
		for i := 0; i < len(hex); i += 2 {
			if i > 0 {
				b.WriteByte(':')
			}
			b.WriteString(strings.ToUpper(hex[i : i+2]))
		}
		return b.String()
	}
	return strings.ReplaceAll(strings.ReplaceAll(sdp, colons(from), colons(to)), strings.ToLower(colons(from)), colons(to))
}

// Too many candidates end the connection, odd ones do no harm.
func TestCandidates(t *testing.T) {
	candidate := func(address string) rtc.Signal {
		mid := "0"
		return rtc.Signal{Candidate: &rtc.Candidate{
			Candidate: "candidate:1 1 udp 2130706431 " + address + " 5000 typ host", SDPMid: &mid,
		}}
	}
	t.Run("too many", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRawPeer(t, nil)
			for range 100 {
				r.other.conn.Signal(candidate("5.1.2.99"))
				time.Sleep(time.Millisecond)
			}
			r.within(t, time.Second, rtc.ErrViolation)
		})
	})
	t.Run("odd", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRawPeer(t, nil)
			for _, a := range []string{"10.0.0.1", "127.0.0.1", "name.local", "fe80::1", "224.0.0.1", "not an address"} {
				r.other.conn.Signal(candidate(a))
			}
			r.other.conn.Signal(rtc.Signal{Candidate: &rtc.Candidate{Candidate: "nonsense"}})
			r.other.conn.Signal(rtc.Signal{})
			r.connect(t)
		})
	})
}

// Nobody is told what a viewer's network looks like inside.
func TestPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		p := newPair(t, pairConfig{
			lineA: behind(rtctest.EndpointIndependent), lineB: behind(rtctest.PortDependent),
			signal: func(_ *side, s rtc.Signal) (rtc.Signal, bool) {
				mu.Lock()
				defer mu.Unlock()
				if s.Description != nil {
					told = append(told, s.Description.SDP)
				} else {
					told = append(told, s.Candidate.Candidate)
				}
				return s, true
			},
		})
		p.open(t)
		mu.Lock()
		defer mu.Unlock()
		all := strings.Join(told, "\n")
		if strings.Contains(all, "192.168.") || !strings.Contains(all, "typ srflx") {
			t.Errorf("told %s", all)
		}
	})
}

// A viewer that does not take what a peer sends holds no more of it than the
// association's buffer.
func TestUntaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRawPeer(t, nil)
		r.connect(t)
		r.idle()
		for i := range uint32(100) {
			r.give(part(r.tb, i, 0, 16000, 16000))
		}
		time.Sleep(5 * time.Second)
		if left := r.pieces.BufferedAmount(); left < 900_000 {
			t.Errorf("%d bytes of 1.6 MB wait at the sender", left)
		}
	})
}
