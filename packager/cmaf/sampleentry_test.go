package cmaf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/freshet-live/freshet/packager/cmaf"
)

// foreignHeader is an H.264 header by mp4ff, with a colr box.
func foreignHeader(tb testing.TB, transfer uint16) []byte {
	tb.Helper()
	// The SPS and PPS of x264, 64x64.
	sps, _ := hex.DecodeString("6742c00ad90411b0110000030001000003003c0f162e48")
	pps, _ := hex.DecodeString("68cb83cb20")
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(90000, "video", "und")
	trak := init.Moov.Trak
	if err := trak.SetAVCDescriptor("avc1", [][]byte{sps}, [][]byte{pps}, true); err != nil {
		tb.Fatal(err)
	}
	trak.Mdia.Minf.Stbl.Stsd.AvcX.AddChild(&mp4.ColrBox{
		ColorType: "nclx", ColorPrimaries: 9, TransferCharacteristics: transfer, MatrixCoefficients: 9,
	})
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestReadVideoEntry(t *testing.T) {
	header := foreignHeader(t, 16)
	entry, err := cmaf.ReadVideoEntry(header)
	if err != nil || entry.Transfer != 16 || entry.HVCC != nil || len(entry.AVCC) < 7 || entry.AVCC[0] != 1 {
		t.Errorf("%+v, %v", entry, err)
	}
	for _, cut := range []int{0, 20, len(header) / 2, len(header) - 1} {
		if _, err := cmaf.ReadVideoEntry(header[:cut]); !errors.Is(err, cmaf.ErrHeader) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func FuzzReadVideoEntry(f *testing.F) {
	f.Add(foreignHeader(f, 18))
	f.Fuzz(func(t *testing.T, b []byte) {
		entry, err := cmaf.ReadVideoEntry(b)
		if err != nil && (entry.AVCC != nil || entry.HVCC != nil) {
			t.Error("an error, and an entry")
		}
	})
}
