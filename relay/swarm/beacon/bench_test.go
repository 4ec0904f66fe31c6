package beacon_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// sizes are those of a picture of 6 Mbit/s at 30 a second, and of a key frame.
var sizes = []int{25_000, 250_000}

// What a packager does for each chunk: 30 of 25 kB are a second of 6 Mbit/s.
func BenchmarkSign(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			chunk := payload(1, size)
			s := beacon.NewSigner(namespace, track)
			s.Use(sessionKey)
			var d beacon.Beacon
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				d = beacon.Beacon{Group: group, Time: epoch.UnixMilli(), Hashes: d.Hashes}
				if err := d.Describe(chunk); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Sign(&d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a viewer does for each chunk: the beacon and all of its pieces.
func BenchmarkVerify(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			chunk := payload(1, size)
			s := beacon.NewSigner(namespace, track)
			s.Use(sessionKey)
			var raws [][]byte
			var d beacon.Beacon
			for i := range 4096 {
				d = beacon.Beacon{Group: group + uint64(i), Time: epoch.UnixMilli()}
				if err := d.Describe(chunk); err != nil {
					b.Fatal(err)
				}
				raw, err := s.Sign(&d)
				if err != nil {
					b.Fatal(err)
				}
				raws = append(raws, raw)
			}
			v := newVerifier(b, certificate(sessionKey))
			at := 0
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if at == len(raws) {
					v, at = newVerifier(b, certificate(sessionKey)), 0
				}
				check(b, v, raws[at], chunk)
				at++
			}
		})
	}
}

func check(b *testing.B, v *beacon.Verifier, raw, chunk []byte) {
	got, _, err := v.Add(epoch.Add(time.Millisecond), raw)
	if err != nil {
		b.Fatal(err)
	}
	for i, size := range got.Sizes {
		if err := v.Piece(got.Piece(i), chunk[:size]); err != nil {
			b.Fatal(err)
		}
		chunk = chunk[size:]
	}
}

// What a repeated beacon costs, as peers send them.
func BenchmarkKnown(b *testing.B) {
	v := newVerifier(b, certificate(sessionKey))
	raw := newChunk(0, 0, 25_000).signed(b).raw
	if _, _, err := v.Add(epoch, raw); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, fresh, err := v.Add(epoch, raw); err != nil || fresh {
			b.Fatal(err)
		}
	}
}
