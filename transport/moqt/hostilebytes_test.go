package moqt_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// watched drives a hostile peer and checks that a viewer beside it loses nothing.
func watched(t draftTest, o *origin, hostile func(p *rawPeer)) {
	t.Helper()
	g := o.group(o.track("video"), 1, 1)
	viewer := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{})
	expect(t, viewer, "1/0")
	p := newRawPeer(t, o, t.protocol)
	p.setup()
	synctest.Wait()
	hostile(p)
	for i := range 20 {
		o.object(g)
		expect(t, viewer, fmt.Sprintf("1/%d", i+1))
	}
}

// tokens are n tokens of so many bytes in a request for a track's status, of "t" but
// for the last, which is of "u".
func tokens(p *rawPeer, n, size int) *wire.TrackStatus {
	m := &wire.TrackStatus{Track: wire.TrackName{Namespace: cam.Fields(), Name: "video"}}
	for i := range n {
		letter := "t"
		if i == n-1 {
			letter = "u"
		}
		m.Params.AuthTokens = append(m.Params.AuthTokens,
			p.d.AppendToken(nil, wire.Token{AliasType: wire.TokenUseValue, Value: bytes.Repeat([]byte(letter), size)}))
	}
	return m
}

// However many tokens and however long, what a message can hold is bounded by its
// length field of 16 bits: the last token counts, none is kept.
func TestTokensOfOneMessage(t *testing.T) {
	for name, tt := range map[string]struct{ n, size int }{"many": {8000, 1}, "long": {1, 60_000}} {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				last := strings.Repeat("u", tt.size)
				var shown []string
				o := newOrigin(t, func(cfg *moqt.Config) {
					cfg.Authorize = func(_ context.Context, r moqt.Request) (moqt.Grant, error) {
						shown = append(shown, r.Token)
						return moqt.Grant{}, nil
					}
				})
				watched(t, o, func(p *rawPeer) {
					if m, err := p.request(tokens(p, tt.n, tt.size)).Message(); err != nil || m.Kind() != wire.KindRequestOK {
						t.Errorf("the answer is %v, %v", m, err)
					}
					none := tokens(p, 0, 0)
					none.RequestID = 2
					if m, err := p.request(none).Message(); err != nil || m.Kind() != wire.KindRequestOK {
						t.Errorf("the next answer is %v, %v", m, err)
					}
				})
				if !slices.Equal(shown, []string{"", last, ""}) { // The first is the viewer's.
					t.Errorf("%d requests showed other tokens", len(shown))
				}
			})
		})
	}
}

// A message can be no longer than its length field says, and a token no longer than
// its message: the session ends with the code that says so.
func TestTokenLongerThanItsMessage(t *testing.T) {
	drafts(t, func(t draftTest) {
		watched(t, newOrigin(t, nil), func(p *rawPeer) {
			b := p.bytes(tokens(p, 1, 1000))
			cut := bytes.Index(b, []byte("uuuu"))
			b = append(b[:cut], b[cut+900:]...)
			// The message is 900 bytes shorter and so is its length; the token's is not.
			length := int(b[1])<<8 | int(b[2])
			b[1], b[2] = byte((length-900)>>8), byte(length-900)
			if p.d.Control == wire.OneBidi {
				p.send(p.control, b)
			} else {
				st, err := p.conn.OpenStream(p.t.Context())
				must(t.T, err)
				p.send(st, b)
			}
			p.wantEnd(wire.ProtocolViolation)
		})
	})
}

// A publisher that floods with datagrams of its own track harms nobody beside it:
// what is not wanted is dropped, whole groups leave the log, and one that is no
// datagram at all ends the session.
func TestDatagramFlood(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, _ := newIntake(t)
		var err error
		o.broadcast, err = o.relay.Publish(cam)
		must(t.T, err)
		watched(t, o, func(p *rawPeer) {
			name := wire.TrackName{Namespace: []string{"live", "flood"}, Name: "data"}
			p.request(&wire.Publish{Track: name, TrackAlias: 7})
			synctest.Wait()
			for group := range uint64(2000) {
				b := p.d.AppendDatagram(nil, 7+group%2, group, &relay.Object{Datagram: true, Size: 1000})
				must(t.T, p.conn.SendDatagram(append(b, make([]byte, 1000)...)))
			}
			time.Sleep(time.Second)
			if err := p.conn.Context().Err(); err != nil {
				t.Errorf("the session has ended: %v", err)
			}
			b, _ := o.relay.Broadcast("live/flood")
			track, ok := b.Track("data")
			if !ok {
				t.Fatal("the flood's track is not taken in")
			}
			if newest, _ := track.Largest(); newest.Group < 1900 || track.Bytes() > floodBytes+2000 {
				t.Errorf("the log ends at group %d and holds %d bytes", newest.Group, track.Bytes())
			}
			must(t.T, p.conn.SendDatagram([]byte{0x3f}))
			p.wantEnd(wire.ProtocolViolation)
		})
	})
}
