package mpegts_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// clean is a stream of n pictures of 40 ms and two audio frames with each.
func clean(n int) *muxer {
	m := newMuxer()
	m.tables()
	for i := range n {
		pts := int64(90000 + i*3600)
		m.pes(videoPID, pts, pts, false, picture(i, 300+i*37))
		m.pes(audioPID, pts, pts, true, append(adtsFrame(byte(i), 200), adtsFrame(byte(i+1), 180)...))
	}
	return m
}

var sameUnits = cmpopts.IgnoreFields(ingest.AccessUnit{}, "Complete")

func TestChunking(t *testing.T) {
	ts := clean(30).out
	want, stats := demux(t, ts, len(ts))
	if v, a := len(want.of(videoPID)), len(want.of(audioPID)); v != 30 || a != 60 {
		t.Fatalf("%d pictures and %d audio frames, want 30 and 60", v, a)
	}
	if len(stats.Errors) > 0 {
		t.Fatalf("errors: %v", stats.Errors)
	}
	for _, n := range []int{1, 100, 187, 188, 189, 940, 1316, 1456, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			got, _ := demux(t, ts, n)
			for _, id := range []int{videoPID, audioPID} {
				if diff := cmp.Diff(want.of(id), got.of(id), sameUnits); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// stride spreads packets, with parity behind or a time in front.
func stride(ts []byte, before, behind int) []byte {
	var out []byte
	for ; len(ts) > 0; ts = ts[188:] {
		out = append(out, bytes.Repeat([]byte{0x11}, before)...)
		out = append(out, ts[:188]...)
		out = append(out, bytes.Repeat([]byte{0x22}, behind)...)
	}
	return out
}

func TestFraming(t *testing.T) {
	ts := clean(20).out
	packets := len(ts) / 188
	damaged := func(edit func(b []byte) []byte) []byte { return edit(bytes.Clone(ts)) }
	for _, tt := range []struct {
		name     string
		in       []byte
		packets  int
		syncLoss bool
	}{
		{"plain", ts, packets, false},
		{"204 bytes", stride(ts, 0, 16), packets, false},
		{"192 bytes", stride(ts, 4, 0), packets, false},
		{"garbage first", append([]byte("garbage GARBAGE 123"), ts...), packets, false},
		{"garbage between", damaged(func(b []byte) []byte {
			return append(append(bytes.Clone(b[:188*50]), bytes.Repeat([]byte{1, 2, 3}, 77)...), b[188*50:]...)
		}), packets, true},
		{"940 zeros", damaged(func(b []byte) []byte { clear(b[188*30 : 188*35]); return b }), packets - 5, true},
		{"one sync byte", damaged(func(b []byte) []byte { b[188*30] = 0; return b }), packets - 1, true},
		{"cut packet", damaged(func(b []byte) []byte { return append(b[:188*40+90], b[188*41:]...) }), packets - 1, true},
	} {
		for _, n := range []int{1 << 20, 1316, 188} {
			t.Run(fmt.Sprintf("%s in %d", tt.name, n), func(t *testing.T) {
				_, stats := demux(t, tt.in, n)
				if int(stats.Packets) != tt.packets {
					t.Errorf("%d packets, want %d", stats.Packets, tt.packets)
				}
				if got := stats.Errors["sync"] > 0; got != tt.syncLoss {
					t.Errorf("errors %v, want sync loss %v", stats.Errors, tt.syncLoss)
				}
			})
		}
	}
}

func TestDamage(t *testing.T) {
	ts := clean(20).out
	// at finds the nth packet of the picture that begins with packet k of a PID.
	at := func(pid uint16, k, nth int) int {
		for i := 0; i < len(ts); i += 188 {
			if uint16(ts[i+1]&0x1F)<<8|uint16(ts[i+2]) != pid {
				continue
			}
			if ts[i+1]&0x40 != 0 {
				k--
			}
			if k < 0 {
				if nth == 0 {
					return i
				}
				nth--
			}
		}
		panic("no such packet")
	}
	remove := func(b []byte, i int) []byte { return append(b[:i], b[i+188:]...) }
	for _, tt := range []struct {
		name        string
		edit        func(b []byte) []byte
		class       string
		video       int
		audio       int
		lostV       int // The picture's index that is Lost.
		lostA       int
		wantNothing bool
	}{
		{"missing packet", func(b []byte) []byte { return remove(b, at(videoPID, 12, 1)) }, "continuity", 19, 40, 12, -1, false},
		{"missing first packet", func(b []byte) []byte { return remove(b, at(videoPID, 12, 0)) }, "continuity", 19, 40, 12, -1, false},
		{"transport error", func(b []byte) []byte { b[at(videoPID, 12, 1)+1] |= 0x80; return b }, "transport", 19, 40, 12, -1, false},
		{"scrambled", func(b []byte) []byte { b[at(videoPID, 12, 1)+3] |= 0x80; return b }, "scrambled", 19, 40, 12, -1, false},
		{"bad adaptation field", func(b []byte) []byte {
			i := at(videoPID, 12, 1)
			b[i+3] |= 0x20
			b[i+4] = 200
			return b
		}, "pes", 19, 40, 12, -1, false},
		{"missing audio packet", func(b []byte) []byte { return remove(b, at(audioPID, 5, 1)) }, "continuity", 20, 38, -1, 10, false},
		{"repeated packet", func(b []byte) []byte {
			i := at(videoPID, 12, 1)
			return bytes.Join([][]byte{b[:i+188], b[i : i+188], b[i+188:]}, nil)
		}, "duplicate", 20, 40, -1, -1, false},
		{"PES start code", func(b []byte) []byte { b[at(audioPID, 5, 0)+6] = 9; return b }, "pes", 20, 38, -1, 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec, stats := demux(t, tt.edit(bytes.Clone(ts)), 1316)
			if stats.Errors[tt.class] == 0 {
				t.Errorf("errors %v, want %s", stats.Errors, tt.class)
			}
			for id, want := range map[int][2]int{videoPID: {tt.video, tt.lostV}, audioPID: {tt.audio, tt.lostA}} {
				got := rec.of(id)
				if len(got) != want[0] {
					t.Errorf("stream %d: %d units, want %d", id, len(got), want[0])
				}
				for i, au := range got {
					if au.Lost != (i == want[1]) {
						t.Errorf("stream %d: unit %d Lost %v", id, i, au.Lost)
					}
				}
			}
		})
	}
}

func TestAnnouncedDiscontinuity(t *testing.T) {
	m := clean(10)
	i := len(m.out)
	m.cc[videoPID] += 5
	m.pes(videoPID, 90000+10*3600, 90000+10*3600, false, picture(10, 100))
	m.out[i+5] |= 0x80 // The packet is stuffed, so it has flags.
	rec, stats := demux(t, m.out, 1316)
	if stats.Errors["discontinuity"] != 1 || stats.Errors["continuity"] != 0 {
		t.Errorf("errors %v, want one discontinuity", stats.Errors)
	}
	if n := len(rec.of(videoPID)); n != 11 {
		t.Errorf("%d pictures, want 11", n)
	}
}

func TestNoSync(t *testing.T) {
	d := mpegts.New(mpegts.Config{Sink: &recorder{}})
	junk := bytes.Repeat([]byte("RTP, HTTP or whatever it may be; GGGG\n"), 100)
	var err error
	for range 100 {
		if err = d.Write(junk, epoch); err != nil {
			break
		}
	}
	if !errors.Is(err, mpegts.ErrNoSync) {
		t.Fatalf("got %v, want ErrNoSync", err)
	}
}

func TestSinkErrorSticks(t *testing.T) {
	fault := errors.New("closed")
	rec := &recorder{fault: fault}
	d := mpegts.New(mpegts.Config{Sink: rec})
	ts := clean(5).out
	if err := d.Write(ts, epoch); !errors.Is(err, fault) {
		t.Fatalf("got %v, want the sink's error", err)
	}
	calls := len(rec.programs) + len(rec.units)
	if err := d.Write(ts, epoch); !errors.Is(err, fault) {
		t.Fatalf("second Write: got %v", err)
	}
	if n := len(rec.programs) + len(rec.units); n != calls {
		t.Error("the sink was used after its error")
	}
}
