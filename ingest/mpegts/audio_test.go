package mpegts_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestADTSOverPES splits frames over PES: a timestamp is that of the first frame
// that begins in its PES, and the others count on.
func TestADTSOverPES(t *testing.T) {
	all := make([]byte, 0, 9*107)
	for i := range 9 {
		all = append(all, adtsFrame(byte(i), 100)...)
	}
	m := newMuxer()
	m.tables()
	m.pes(audioPID, 90000, 90000, true, all[:250])        // Frames 0, 1 and a piece of 2.
	m.pes(audioPID, 95761, 95761, true, all[250:700])     // 3, one tick late, to 6.
	m.pes(audioPID, -1, -1, true, all[700:])              // No time.
	m.pes(audioPID, 190000, 190000, true, all[:107])      // A jump.
	m.pes(audioPID, 190000, 190000, true, all[107:2*107]) // The same time again.
	rec, stats := demux(t, m.out, 188)
	got := make([]int64, 0, 11)
	for i, au := range rec.of(audioPID) {
		got = append(got, au.PTS)
		if want := all[(i%9)*107+7 : (i%9+1)*107]; !bytes.Equal(au.Units[0], want) {
			t.Errorf("frame %d is damaged", i)
		}
	}
	want := []int64{90000, 91920, 93840, 95761, 97681, 99601, 101521, 103441, 105361, 190000, 191920}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]uint64{"timestamp": 1}, stats.Errors); diff != "" {
		t.Error(diff)
	}
}

// TestADTSResync finds the frames again behind junk that looks like a frame.
func TestADTSResync(t *testing.T) {
	junk := append([]byte{1, 2, 3}, adtsFrame(0, 40)[:12]...)
	b := bytes.Join([][]byte{adtsFrame(1, 60), junk, adtsFrame(2, 60), adtsFrame(3, 60), adtsFrame(4, 60)}, nil)
	m := newMuxer()
	m.tables()
	m.pes(audioPID, 0, 0, true, b)
	rec, stats := demux(t, m.out, 188)
	got := rec.of(audioPID)
	if len(got) != 4 || !got[1].Lost || got[2].Lost || stats.Errors["frame"] != 1 {
		t.Errorf("%d frames, errors %v, want 4 and one error", len(got), stats.Errors)
	}
}

// TestChannelConfigZero takes the layout out of a program_config_element: 5.1 as
// centre, front pair, back pair and low frequency.
func TestChannelConfigZero(t *testing.T) {
	bits := "101" + "0000" + "01" + "0011" + // ID_PCE, tag, AAC-LC, 48 kHz
		"0010" + "0000" + "0001" + "01" + "000" + "0000" + "000" + // elements, no mixdown
		"00000" + "10000" + "10001" + "0000" // SCE 0, CPE 0, CPE 1, LFE 0
	pce := make([]byte, 30)
	for i, c := range bits {
		pce[i/8] |= byte(c-'0') << (7 - i%8)
	}
	f := adtsFrame(0, len(pce))
	f[2] &^= 1
	f[3] &^= 0xC0
	copy(f[7:], pce)
	m := newMuxer()
	m.tables()
	m.pes(audioPID, 0, 0, true, f)
	rec, _ := demux(t, m.out, 188)
	got := rec.of(audioPID)
	if len(got) != 1 {
		t.Fatalf("%d frames, want 1", len(got))
	}
	format := got[0].Format
	if format.Channels != 6 || format.SampleRate != 48000 {
		t.Errorf("format %+v, want 6 channels of 48 kHz", format)
	}
	if len(format.Config) < 4 || format.Config[0] != 0x11 || format.Config[1] != 0x80 {
		t.Errorf("config %x does not begin with AAC-LC, 48 kHz, layout of its own", format.Config)
	}
}
