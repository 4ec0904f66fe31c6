package hls

import (
	"testing"

	"github.com/freshet-live/freshet/packager/cmaf"
)

// FuzzVideoRange: decoder configurations of other people's headers harm nobody.
func FuzzVideoRange(f *testing.F) {
	f.Add([]byte("\x01\x42\xc0\x0a\xff\xe1\x00\x02\x67\x42\x01\x00\x01\x68"), true)
	f.Add([]byte("\x01\x01\x60\x00\x00\x00\x90\x00\x00\x00\x00\x00\x5d\xf0\x00\xfc\xfd\xf8\xf8\x00\x00\x0f\x00"), false)
	f.Fuzz(func(t *testing.T, config []byte, isAVC bool) {
		entry := cmaf.VideoEntry{HVCC: config}
		if isAVC {
			entry = cmaf.VideoEntry{AVCC: config}
		}
		if n := transfer(entry); n < 0 || n > 255 {
			t.Errorf("transfer characteristics %d", n)
		}
	})
}

func TestVideoRange(t *testing.T) {
	for transfer, want := range map[int]string{0: "", 1: "SDR", 16: "PQ", 18: "HLG", 99: ""} {
		if got := rangeOf(transfer); got != want {
			t.Errorf("%d: %q", transfer, got)
		}
	}
}
