package beacon_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

var update = flag.Bool("update", false, "write testdata/vectors.json")

// vectors are what Go and the browser must agree on. The browser's test reads the
// same file: web/test/beacon.test.ts.
type vectors struct {
	Encoding  []encodingVector `json:"encoding"`
	Malformed []malformedCase  `json:"malformed"`
	Scenarios []scenario       `json:"scenarios"`
}

// encodingVector is a beacon in bytes and in words; the PTS is in microseconds.
type encodingVector struct {
	Raw       []byte   `json:"raw"`
	Key       uint32   `json:"key"`
	Group     uint64   `json:"group"`
	Chunk     uint64   `json:"chunk"`
	First     uint32   `json:"first"`
	PTS       int64    `json:"pts"`
	Time      int64    `json:"time"`
	Sizes     []int    `json:"sizes"`
	Hashes    [][]byte `json:"hashes"`
	Signature []byte   `json:"signature"`
}

type malformedCase struct {
	Name string `json:"name"`
	Raw  []byte `json:"raw"`
}

// scenario is what happens to one Verifier.
type scenario struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Track     string `json:"track"`
	Delay     int64  `json:"delay"` // In ms.
	StreamKey []byte `json:"streamKey,omitempty"`
	Steps     []step `json:"steps"`
}

// step is one call: with Keys, with Beacon alone, with ID and Piece, or with all but
// Keys: evidence. Want is the word of the error, or "ok"; "known" for a beacon that
// is not new.
type step struct {
	Keys   *beacon.Keys   `json:"keys,omitempty"`
	Now    int64          `json:"now,omitempty"` // In ms.
	Beacon []byte         `json:"beacon,omitempty"`
	ID     *swarm.PieceID `json:"id,omitempty"`
	Piece  []byte         `json:"piece,omitempty"`
	Want   string         `json:"want"`
}

// do carries a step out and gives what came of it.
func (s *step) do(v *beacon.Verifier) string {
	now := time.UnixMilli(s.Now)
	var err error
	switch {
	case s.Keys != nil:
		err = v.SetKeys(s.Keys)
	case s.ID != nil && s.Beacon != nil:
		err = v.CheckEvidence(now, *s.ID, s.Beacon, s.Piece)
	case s.ID != nil:
		err = v.Piece(*s.ID, s.Piece)
	default:
		_, fresh, failed := v.Add(now, s.Beacon)
		if failed == nil && !fresh {
			return "known"
		}
		err = failed
	}
	if err == nil {
		return "ok"
	}
	return beacon.Reason(err)
}

const vectorsFile = "testdata/vectors.json"

func TestVectors(t *testing.T) {
	made := vectors{Encoding: encodingVectors(t), Scenarios: scenarios(t)}
	bad := malformed(t)
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		made.Malformed = append(made.Malformed, malformedCase{name, bad[name]})
	}
	text, err := json.MarshalIndent(made, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(vectorsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), string(text)); diff != "" {
		t.Fatalf("run with -update (-kept +made)\n%s", diff)
	}
	for _, s := range made.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			v := beacon.NewVerifier(beacon.Config{
				Namespace: s.Namespace, Track: s.Track, Delay: time.Duration(s.Delay) * time.Millisecond, StreamKey: s.StreamKey,
			})
			for i := range s.Steps {
				if got := s.Steps[i].do(v); got != s.Steps[i].Want {
					t.Errorf("step %d gives %q, want %q", i, got, s.Steps[i].Want)
				}
			}
		})
	}
}

func encodingVectors(t *testing.T) (out []encodingVector) {
	t.Helper()
	for _, c := range []*chunk{newChunk(0, 0, 40), newChunk(63, 64, 63, 63, 1), newChunk(16_384, 1<<30, 16_384, 64)} {
		c.signed(t)
		b := &c.beacon
		v := encodingVector{
			Raw: c.raw, Key: uint32(b.Key), Group: b.Group, Chunk: b.Chunk, First: b.First, PTS: b.PTS.Microseconds(),
			Time: b.Time, Sizes: b.Sizes, Signature: b.Signature[:],
		}
		for i := range b.Hashes {
			v.Hashes = append(v.Hashes, b.Hashes[i][:])
		}
		var again beacon.Beacon
		if err := again.Decode(c.raw); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*b, again); diff != "" {
			t.Fatal(diff)
		}
		out = append(out, v)
	}
	return out
}
