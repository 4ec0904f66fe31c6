package beacon_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// play collects the steps of a scenario. Its Verifier has the keys of the catalog.
type play struct {
	tb testing.TB
	scenario
}

func newPlay(tb testing.TB, name string, steps ...func(*play)) scenario {
	tb.Helper()
	p := &play{tb: tb, scenario: scenario{Name: name, Namespace: namespace, Track: track, Delay: delay.Milliseconds()}}
	p.keys("ok", keys(certificate(sessionKey)))
	for _, s := range steps {
		s(p)
	}
	return p.scenario
}

func (p *play) keys(want string, k *beacon.Keys) {
	p.Steps = append(p.Steps, step{Keys: k, Want: want})
}

// add offers a beacon that was signed; after is counted from epoch.
func (p *play) add(want string, c *chunk) { p.addAt(want, 0, c) }

func (p *play) addAt(want string, after time.Duration, c *chunk) {
	if c.raw == nil {
		c.signed(p.tb)
	}
	p.Steps = append(p.Steps, step{Now: epoch.Add(after).UnixMilli(), Beacon: c.raw, Want: want})
}

func (p *play) piece(want string, n uint32, b []byte) {
	p.Steps = append(p.Steps, step{ID: &swarm.PieceID{Group: group, N: n}, Piece: b, Want: want})
}

func (p *play) evidence(want string, n uint32, c *chunk, piece []byte) {
	if c.raw == nil {
		c.signed(p.tb)
	}
	p.Steps = append(p.Steps, step{Now: epoch.UnixMilli(), Beacon: c.raw, ID: &swarm.PieceID{Group: group, N: n}, Piece: piece, Want: want})
}

// spoilt is a piece with one byte changed.
func spoilt(b []byte) []byte {
	out := append([]byte(nil), b...)
	out[len(out)/2] ^= 1
	return out
}

func scenarios(t *testing.T) []scenario {
	t.Helper()
	return []scenario{
		newPlay(t, "what is genuine", func(p *play) {
			a, b := newChunk(0, 0, 40, 40, 7), newChunk(1, 3, 20)
			p.piece("unknown", 0, a.pieces[0])
			p.add("ok", a)
			p.piece("ok", 0, a.pieces[0])
			p.piece("ok", 2, a.pieces[2])
			p.piece("unknown", 3, b.pieces[0])
			p.add("known", a)
			p.add("ok", b)
			p.piece("ok", 3, b.pieces[0])
			p.piece("unknown", 4, b.pieces[0])
		}),
		newPlay(t, "pollution", func(p *play) {
			a := newChunk(0, 0, 40, 40, 7)
			p.add("ok", a)
			p.piece("piece", 0, spoilt(a.pieces[0]))
			p.piece("piece", 0, a.pieces[1])
			p.piece("piece", 0, a.pieces[0][:39])
			p.piece("piece", 2, append([]byte{0}, a.pieces[2]...))
			p.piece("piece", 0, nil)
			p.piece("ok", 0, a.pieces[0])
		}),
		newPlay(t, "a beacon of another track", func(p *play) {
			p.add("signature", newChunk(0, 0, 40).signedBy(t, sessionKey, namespace, "video.2"))
			p.add("signature", newChunk(0, 0, 40).signedBy(t, sessionKey, namespace, ""))
		}),
		newPlay(t, "a beacon of another stream", func(p *play) {
			p.add("signature", newChunk(0, 0, 40).signedBy(t, sessionKey, "live/cam2", track))
			// Its key is not certified for this one, and its certificate is for the other.
			other := seeded(3)
			c := beacon.Certify(streamKey, "live/cam2", public(other), epoch.UnixMilli()-1000, epoch.UnixMilli()+1000, group)
			p.keys("certificate", keys(certificate(sessionKey), c))
			p.add("unknown_key", newChunk(0, 0, 40).signedBy(t, other, namespace, track))
			p.add("ok", newChunk(0, 0, 40))
		}),
		newPlay(t, "length and name cannot be moved against each other", func(p *play) {
			p.add("signature", newChunk(0, 0, 40).signedBy(t, sessionKey, "live/cam", "1video"))
		}),
		newPlay(t, "a key that nobody certified", func(p *play) {
			own := seeded(7)
			p.add("unknown_key", newChunk(0, 0, 40).signedBy(t, own, namespace, track))
			c := beacon.Certify(own, namespace, public(own), epoch.UnixMilli()-1000, epoch.UnixMilli()+1000, group)
			p.keys("certificate", keys(c))
			p.add("unknown_key", newChunk(0, 0, 40).signedBy(t, own, namespace, track))
		}),
		newPlay(t, "replay", func(p *play) {
			limit := delay + beacon.Leeway
			a := newChunk(0, 0, 40)
			p.addAt("stale", limit+time.Millisecond, a)
			p.addAt("future", -limit-time.Millisecond, a)
			p.addAt("ok", limit, a)
			// What is known stays so: it was genuine in time.
			p.addAt("known", time.Minute, a)
			p.addAt("ok", -limit+33*time.Millisecond, newChunk(1, 1, 40))
		}),
		newPlay(t, "a key's time", func(p *play) {
			const hour = int64(1_800_000)
			for i, at := range []int64{-hour - 1, hour + 1, -hour, hour} {
				want := []string{"key_time", "key_time", "ok", "ok"}[i]
				c := newChunk(uint64(i), uint32(i), 40).change(func(b *beacon.Beacon) { b.Time = epoch.UnixMilli() + at })
				p.addAt(want, time.Duration(at)*time.Millisecond, c)
			}
		}),
		newPlay(t, "a key's groups", func(p *play) {
			p.add("key_group", newChunk(0, 0, 40).change(func(b *beacon.Beacon) { b.Group-- }))
			p.add("ok", newChunk(0, 0, 40))
			p.add("ok", newChunk(0, 0, 40).change(func(b *beacon.Beacon) { b.Group += 5 }))
		}),
		newPlay(t, "a chunk with other bytes", func(p *play) {
			a := newChunk(0, 0, 40)
			p.add("ok", a)
			p.add("conflict", newChunk(0, 0, 41))
			forged := newChunk(0, 0, 41).signed(t)
			forged.raw = spoilt(forged.raw)
			p.add("signature", forged)
			p.piece("ok", 0, a.pieces[0])
		}),
		newPlay(t, "piece numbers", func(p *play) {
			p.add("first", newChunk(0, 1, 40))
			p.add("ok", newChunk(2, 5, 40, 40))
			p.add("first", newChunk(3, 6, 40))
			p.add("first", newChunk(3, 8, 40))
			p.add("first", newChunk(9, 6, 40))
			p.add("first", newChunk(1, 3, 40))
			p.add("first", newChunk(1, 4, 40, 40))
			p.add("first", newChunk(0, 0, 40, 40, 40, 40, 40, 40))
			p.add("ok", newChunk(3, 7, 40))
			p.add("ok", newChunk(1, 4, 40))
			p.add("ok", newChunk(9, 20, 40))
		}),
		rotation(t), pinned(t), shapes(t),
		newPlay(t, "evidence", func(p *play) {
			a := newChunk(0, 0, 40, 40, 7)
			p.evidence("ok", 1, a, spoilt(a.pieces[1]))
			p.evidence("ok", 1, a, nil)
			p.evidence("evidence", 1, a, a.pieces[1])
			p.evidence("evidence", 3, a, a.pieces[1])
			p.evidence("signature", 1, newChunk(0, 0, 40, 40).signedBy(t, sessionKey, "live/cam2", track), spoilt(a.pieces[1]))
			p.evidence("unknown_key", 1, newChunk(0, 0, 40, 40).signedBy(t, seeded(8), namespace, track), spoilt(a.pieces[1]))
			// Nothing of it is remembered.
			p.piece("unknown", 0, a.pieces[0])
		}),
	}
}

// rotation is a catalog that goes on to the next key.
func rotation(t *testing.T) scenario {
	t.Helper()
	next := seeded(4)
	return newPlay(t, "rotation", func(p *play) {
		p.add("ok", newChunk(0, 0, 40))
		late := newChunk(1, 1, 40).signedBy(t, next, namespace, track)
		p.add("unknown_key", late)
		p.keys("ok", keys(certificate(sessionKey), certificate(next)))
		p.add("ok", late)
		p.add("ok", newChunk(2, 2, 40))
		p.keys("ok", keys(certificate(next)))
		p.add("unknown_key", newChunk(3, 3, 40))
		p.add("ok", newChunk(3, 3, 40).signedBy(t, next, namespace, track))
		p.piece("ok", 0, newChunk(0, 0, 40).pieces[0])
	})
}

// pinned is a viewer who knows the stream's key from elsewhere.
func pinned(t *testing.T) scenario {
	t.Helper()
	s := newPlay(t, "a pinned stream key", func(p *play) {
		mine, thief := seeded(5), seeded(6)
		c := beacon.Certify(thief, namespace, public(mine), epoch.UnixMilli()-1000, epoch.UnixMilli()+1000, group)
		p.keys("stream_key", &beacon.Keys{StreamKey: public(thief), Certificates: []beacon.Certificate{c}})
		p.add("unknown_key", newChunk(0, 0, 40).signedBy(t, mine, namespace, track))
		p.add("ok", newChunk(0, 0, 40))
	})
	s.StreamKey = public(streamKey)
	return s
}

// shapes are keys that are none.
func shapes(t *testing.T) scenario {
	t.Helper()
	return newPlay(t, "malformed keys", func(p *play) {
		good := certificate(sessionKey)
		for _, change := range []func(*beacon.Certificate){
			func(c *beacon.Certificate) { c.Key = c.Key[1:] },
			func(c *beacon.Certificate) { c.Signature = c.Signature[1:] },
			func(c *beacon.Certificate) { c.NotAfter = c.NotBefore },
			func(c *beacon.Certificate) { c.NotBefore = -1 },
			func(c *beacon.Certificate) { c.NotAfter = 1 << 53 },
			func(c *beacon.Certificate) { c.MinGroup = 1 << 53 },
		} {
			bad := good
			change(&bad)
			p.keys("malformed", keys(bad))
		}
		p.add("unknown_key", newChunk(0, 0, 40))
		p.keys("ok", keys(good))
		p.keys("malformed", &beacon.Keys{StreamKey: []byte{1, 2, 3}, Certificates: []beacon.Certificate{good}})
		p.keys("malformed", keys(good, good, good, good, good, good, good, good, good))
		p.add("ok", newChunk(0, 0, 40))
	})
}
