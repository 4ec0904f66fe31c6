package mark_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/mark"
)

var example = mark.Mark{Sequence: 1<<40 + 7, Sent: time.UnixMicro(1790000000123456), Sum: 0xDEADBEEF}

func TestMarkIsFound(t *testing.T) {
	for name, hevc := range map[string]bool{"H.264": false, "H.265": true} {
		t.Run(name, func(t *testing.T) {
			nal := example.Append(nil, hevc)
			other := bytes.Clone(nal)
			other[4]++ // Another's UUID.
			got, ok := mark.Find([][]byte{{9, 0xF0}, other, nal, {0x65, 1, 2}}, hevc)
			if !ok || got.Sequence != example.Sequence || got.Sum != example.Sum || !got.Sent.Equal(example.Sent) {
				t.Errorf("%v %+v", ok, got)
			}
			if _, ok := mark.Find([][]byte{nal}, !hevc); ok {
				t.Error("found in the other codec")
			}
			if bytes.Contains(nal, []byte{0, 0}) {
				t.Errorf("needs emulation prevention: %x", nal)
			}
		})
	}
}

func TestLastMarkOfAPart(t *testing.T) {
	for name, hevc := range map[string]bool{"H.264": false, "H.265": true} {
		earlier := example
		earlier.Sequence, earlier.Sent = example.Sequence-1, example.Sent.Add(-time.Second)
		part := append([]byte("moofmdat"), earlier.Append(nil, hevc)...)
		part = append(example.Append(append(part, "slice"...), hevc), "the last slice"...)
		if got, ok := mark.Last(part); !ok || got.Sequence != example.Sequence || !got.Sent.Equal(example.Sent) {
			t.Errorf("%s: %v %+v", name, ok, got)
		}
		for _, none := range [][]byte{nil, []byte("moofmdat"), mark.UUID[:], part[:bytes.LastIndex(part, mark.UUID[:])+20]} {
			if got, ok := mark.Last(none); ok && got.Sequence == example.Sequence {
				t.Errorf("%s: %+v in %q", name, got, none)
			}
		}
	}
}

// The example of docs/mark.md.
func TestMarkOnTheWire(t *testing.T) {
	const want = "\x06\x05\x38\x8b\x3c\x5f\x1e\x6d\x27\x4a\x94\xb1\x0f\xf7\x2e\x9a\x43\xc8\x55" +
		"0000010000000007" + "00065BFEDA27C240" + "DEADBEEF" + "\x80"
	if got := example.Append(nil, false); string(got) != want {
		t.Errorf("%q", got)
	}
}

func TestSumIsOfSlices(t *testing.T) {
	slices := [][]byte{[]byte("\x65first"), []byte("\x41second")}
	more := [][]byte{{9, 0xF0}, {0x67, 1}, slices[0], {12, 0xFF}, slices[1], example.Append(nil, false)}
	sum := mark.Sum(slices, false)
	if got := mark.Sum(more, false); got != sum {
		t.Errorf("%x, want %x", got, sum)
	}
	if got := mark.Sum([][]byte{[]byte("\x65first\x41second")}, false); got == sum {
		t.Error("bounds of NAL units do not count")
	}
	if sum != 0xF71600E3 { // By the polynomial, bit by bit, elsewhere.
		t.Errorf("%08X", sum)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example.Append(nil, false), false)
	f.Add(example.Append(nil, true), true)
	f.Fuzz(func(t *testing.T, b []byte, hevc bool) {
		mark.Last(b)
		m, ok := mark.Parse(b, hevc)
		if !ok {
			return
		}
		again, ok := mark.Parse(m.Append(nil, hevc), hevc)
		if !ok || again != m {
			t.Errorf("%+v, then %+v", m, again)
		}
	})
}
