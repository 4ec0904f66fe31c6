package beacon_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// FuzzVerifier takes beacons as they come from peers, each behind its length in two
// bytes: whatever comes, only what the packager signed counts, and what does can be
// found by its pieces.
func FuzzVerifier(f *testing.F) {
	genuine := make(map[string]bool)
	write := func(all ...*chunk) (b []byte) {
		for _, c := range all {
			raw := c.signed(f).raw
			genuine[string(raw)] = true
			b = append(append(b, byte(len(raw)>>8), byte(len(raw))), raw...)
		}
		return b
	}
	f.Add(write(newChunk(0, 0, 100), newChunk(1, 1, 32768, 100), newChunk(2, 3, 7)))
	f.Add(write(newChunk(2, 3, 7), newChunk(0, 0, 100), newChunk(0, 0, 100)))
	f.Add(write(newChunk(0, 0, 100), newChunk(1, 5, 7), newChunk(2, 3, 7)))
	f.Add(write(newChunk(0, 0, 100), newChunk(0, 0, 101)))
	for _, raw := range malformed(f) {
		f.Add(append([]byte{byte(len(raw) >> 8), byte(len(raw))}, raw...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := beacon.NewVerifier(beacon.Config{Namespace: namespace, Track: track, Delay: delay})
		if err := v.SetKeys(keys(certificate(sessionKey))); err != nil {
			t.Fatal(err)
		}
		for len(b) >= 2 {
			n := min(int(b[0])<<8|int(b[1]), len(b)-2)
			raw := b[2 : 2+n]
			b = b[2+n:]
			got, _, err := v.Add(epoch.Add(100*time.Millisecond), raw)
			if err != nil {
				continue
			}
			if !genuine[string(raw)] {
				t.Fatalf("%x counts, which nobody signed", raw)
			}
			for i := range got.Sizes {
				if found, j, ok := v.Find(got.Piece(i)); !ok || j != i || found.Chunk != got.Chunk {
					t.Fatalf("piece %d of chunk %d is not found", i, got.Chunk)
				}
			}
		}
	})
}

// FuzzKeys takes the catalog's keys as they come: only certificates of the stream key
// count, and what the shape allows can be written again.
func FuzzKeys(f *testing.F) {
	for _, k := range []*beacon.Keys{
		keys(certificate(sessionKey)), keys(), keys(certificate(sessionKey), certificate(seeded(3))),
		{StreamKey: public(sessionKey), Certificates: []beacon.Certificate{certificate(sessionKey)}},
	} {
		b, err := json.Marshal(k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"streamKey":"AA==","certificates":[{"notBefore":-1,"minGroup":18446744073709551615}]}`))
	signed := newChunk(0, 0, 100).signed(f).raw
	f.Fuzz(func(t *testing.T, b []byte) {
		var k beacon.Keys
		if json.Unmarshal(b, &k) != nil {
			return
		}
		v := beacon.NewVerifier(beacon.Config{Namespace: namespace, Track: track, Delay: delay, StreamKey: public(streamKey)})
		refused := v.SetKeys(&k) != nil
		if _, _, err := v.Add(epoch, signed); err == nil && string(k.StreamKey) != string(public(streamKey)) {
			t.Fatalf("a beacon counts by the stream key %x", k.StreamKey)
		}
		if again, err := json.Marshal(&k); !refused && (err != nil || k.Validate() != nil) {
			t.Fatalf("%s was taken, and is of the wrong shape: %v", again, err)
		}
	})
}
