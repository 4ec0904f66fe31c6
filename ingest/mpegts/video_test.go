package mpegts_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

func TestAccessUnits(t *testing.T) {
	sei := []byte{0x06, 0x05, 0x01, 0xAA, 0x80}
	filler := []byte{0x0C, 0xFF, 0xFF, 0x80}
	idr, p1, p2 := slice(true, 1, 40), slice(false, 2, 50), slice(false, 3, 60)
	second := append([]byte{0x41, 0x46}, p1[2:]...) // first_mb_in_slice is not zero.
	for _, tt := range []struct {
		name string
		pes  [][]byte
		want [][][]byte
	}{
		{
			"delimiter and filler left out, SEI kept",
			[][]byte{annexB(testAUD, testSPS, testPPS, sei, idr, filler), annexB(testAUD, sei, p1)},
			[][][]byte{{testSPS, testPPS, sei, idr}, {sei, p1}},
		},
		{
			"no delimiters",
			[][]byte{annexB(testSPS, testPPS, idr), annexB(p1), annexB(p2)},
			[][][]byte{{testSPS, testPPS, idr}, {p1}, {p2}},
		},
		{
			"several in a PES",
			[][]byte{annexB(testSPS, testPPS, idr, p1, p2)},
			[][][]byte{{testSPS, testPPS, idr}, {p1}, {p2}},
		},
		{
			"several slices",
			[][]byte{annexB(testSPS, testPPS, idr, second, second), annexB(p1, second)},
			[][][]byte{{testSPS, testPPS, idr, second, second}, {p1, second}},
		},
		{
			"two delimiters, and one behind an SEI",
			[][]byte{annexB(testAUD, testAUD, testSPS, testPPS, idr), annexB(sei, testAUD, p1)},
			[][][]byte{{testSPS, testPPS, idr}, {sei, p1}},
		},
		{
			"a NAL unit goes on in the next PES",
			[][]byte{annexB(testAUD, testSPS, testPPS, idr, second[:9]), append(second[9:], annexB(testAUD, p1)...)},
			[][][]byte{{testSPS, testPPS, idr, second}, {p1}},
		},
		{
			"trailing zeros and short start codes",
			[][]byte{bytes.Join([][]byte{nil, testSPS, testPPS, append(bytes.Clone(idr), 0, 0, 0, 0), p1}, []byte{0, 0, 1})},
			[][][]byte{{testSPS, testPPS, idr}, {p1}},
		},
		{
			"begins in the middle",
			[][]byte{append([]byte{7, 7, 7}, annexB(second, testSPS, testPPS, idr)...), annexB(p1)},
			[][][]byte{{testSPS, testPPS, idr}, {p1}},
		},
		{
			"nothing before the parameter sets",
			[][]byte{annexB(testAUD, p1), annexB(testAUD, testSPS, testPPS, idr)},
			[][][]byte{{testSPS, testPPS, idr}},
		},
	} {
		for _, bounded := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				m := newMuxer()
				m.tables()
				for i, b := range tt.pes {
					m.pes(videoPID, int64(9000+3600*i), int64(9000+3600*i), bounded, b)
				}
				rec, _ := demux(t, m.out, 188)
				got := make([][][]byte, 0, 4)
				for _, au := range rec.of(videoPID) {
					got = append(got, au.Units)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// watched is a demuxer with what it gave out after each write.
type watched struct {
	tb  testing.TB
	rec recorder
	d   *mpegts.Demuxer
	m   *muxer
}

func watch(tb testing.TB) *watched {
	tb.Helper()
	w := &watched{tb: tb, m: newMuxer()}
	w.d = mpegts.New(mpegts.Config{Sink: &w.rec})
	w.m.tables()
	return w
}

// write sends what was multiplexed and returns the number of pictures so far.
func (w *watched) write() int {
	w.tb.Helper()
	if err := w.d.Write(w.m.out, epoch); err != nil {
		w.tb.Fatal(err)
	}
	w.m.out = w.m.out[:0]
	return len(w.rec.of(videoPID))
}

// TestLearnedEnd sees a picture leave with its last packet once the stream has
// shown where its PES packets end.
func TestLearnedEnd(t *testing.T) {
	for _, bounded := range []bool{false, true} {
		w := watch(t)
		for i := range 20 {
			w.m.pes(videoPID, int64(i*3600), int64(i*3600), bounded, picture(i, 500))
			want := i
			if i >= 8 {
				want = i + 1
			}
			if got := w.write(); got != want {
				t.Fatalf("bounded %v, picture %d: %d out, want %d", bounded, i, got, want)
			}
		}
	}
}

// TestLearnedEndWrong: a PES that goes on behind its learned end costs a picture,
// once, and the stream waits for the next picture from then on.
func TestLearnedEndWrong(t *testing.T) {
	w := watch(t)
	for i := range 12 {
		w.m.pes(videoPID, int64(i*3600), int64(i*3600), false, picture(i, 500))
	}
	w.write()
	pes := pesPacket(12*3600, 12*3600, false, picture(12, 500))
	w.m.packet(videoPID, true, pes[:100])
	if got := w.write(); got != 13 {
		t.Fatalf("%d pictures behind the learned end, want 13", got)
	}
	for rest := pes[100:]; len(rest) > 0; {
		rest = w.m.packet(videoPID, false, rest)
	}
	for i := 13; i < 30; i++ {
		w.m.pes(videoPID, int64(i*3600), int64(i*3600), false, picture(i, 500))
		if got := w.write(); got != i {
			t.Fatalf("picture %d: %d out, want %d", i, got, i)
		}
	}
	if n := w.d.Stats().Errors["early_end"]; n != 1 {
		t.Errorf("%d early ends counted, want 1", n)
	}
	for i, au := range w.rec.of(videoPID) {
		if au.Lost != (i == 13) {
			t.Errorf("picture %d: Lost %v", i, au.Lost)
		}
	}
}

// TestSplitPicture: a picture in two bounded PES is not taken for two.
func TestSplitPicture(t *testing.T) {
	w := watch(t)
	for i := range 30 {
		b := picture(i, 500)
		w.m.pes(videoPID, int64(i*3600), int64(i*3600), true, b[:300])
		w.m.pes(videoPID, -1, -1, true, b[300:])
	}
	if got := w.write(); got != 29 {
		t.Errorf("%d pictures, want 29 and one to come", got)
	}
	if errs := w.d.Stats().Errors; len(errs) > 0 {
		t.Errorf("errors: %v", errs)
	}
}

func TestKilledInAPicture(t *testing.T) {
	w := watch(t)
	for i := range 3 {
		w.m.pes(videoPID, int64(i*3600), int64(i*3600), true, picture(i, 2000))
	}
	w.m.out = w.m.out[:len(w.m.out)-5*188]
	w.write()
	if err := w.d.Flush(epoch.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	// The encoder comes back on the same connection.
	w.m = newMuxer()
	w.m.cc[videoPID] = 9
	w.m.tables()
	for i := range 3 {
		w.m.pes(videoPID, int64(i*3600), int64(i*3600), true, picture(i, 2000))
	}
	w.write()
	if err := w.d.Flush(epoch.Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got := w.rec.of(videoPID)
	if len(got) < 5 {
		t.Fatalf("%d pictures, want those of both connections", len(got))
	}
	if last := got[len(got)-1]; !bytes.Equal(last.Units[len(last.Units)-1], slice(false, 2, 2000)) {
		t.Error("the last picture is damaged")
	}
}

func TestOversize(t *testing.T) {
	m := newMuxer()
	m.tables()
	m.pes(videoPID, 0, 0, false, picture(0, 9<<20))
	m.pes(videoPID, 3600, 3600, false, picture(10, 100))
	rec, stats := demux(t, m.out, 1316)
	if got := rec.of(videoPID); len(got) != 1 || !got[0].Lost {
		t.Errorf("%d pictures, want one that is Lost", len(got))
	}
	if stats.Errors["oversize"] != 1 {
		t.Errorf("errors %v, want one oversize", stats.Errors)
	}
}

func TestVideoTimes(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   [][2]int64 // PTS, DTS; -1 for none.
		want [][2]int64
		errs uint64
	}{
		{"as they are", [][2]int64{{7200, 0}, {3600, 3600}, {14400, 7200}}, [][2]int64{{7200, 0}, {3600, 3600}, {14400, 7200}}, 0},
		{"PTS alone", [][2]int64{{3600, 3600}, {7200, 7200}}, [][2]int64{{3600, 3600}, {7200, 7200}}, 0},
		{"nothing", [][2]int64{{3600, 3600}, {7200, 7200}, {-1, -1}}, [][2]int64{{3600, 3600}, {7200, 7200}, {10800, 10800}}, 0},
		{"DTS left out amid reordering", [][2]int64{{7200, 0}, {18000, 3600}, {14400, 14400}}, [][2]int64{{7200, 0}, {18000, 3600}, {14400, 7200}}, 1},
		{"DTS behind PTS stays", [][2]int64{{0, 3600}, {3600, 7200}}, [][2]int64{{0, 3600}, {3600, 7200}}, 0},
		{"equal DTS", [][2]int64{{0, 0}, {3600, 0}, {10800, 7200}}, [][2]int64{{0, 0}, {3600, 1}, {10800, 7200}}, 1},
		{"DTS steps back a little", [][2]int64{{90000, 90000}, {90000, 89000}}, [][2]int64{{90000, 90000}, {90000, 90001}}, 1},
		{"a reset stays", [][2]int64{{9000000, 9000000}, {0, 0}}, [][2]int64{{9000000, 9000000}, {0, 0}}, 0},
		{"a jump stays", [][2]int64{{0, 0}, {9000000, 9000000}}, [][2]int64{{0, 0}, {9000000, 9000000}}, 0},
		{"wrap", [][2]int64{{1<<33 - 1800, 1<<33 - 1800}, {1800, 1800}, {5400, 5400}}, [][2]int64{{1<<33 - 1800, 1<<33 - 1800}, {1<<33 + 1800, 1<<33 + 1800}, {1<<33 + 5400, 1<<33 + 5400}}, 0},
		{"PTS behind the wrap, DTS before", [][2]int64{{0, 1<<33 - 3600}, {7200, 0}}, [][2]int64{{1 << 33, 1<<33 - 3600}, {1<<33 + 7200, 1 << 33}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMuxer()
			m.tables()
			for i, ts := range tt.in {
				m.pes(videoPID, ts[0], ts[1], false, picture(i, 50))
			}
			rec, stats := demux(t, m.out, 188)
			got := make([][2]int64, 0, 4)
			for _, au := range rec.of(videoPID) {
				got = append(got, [2]int64{au.PTS, au.DTS})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if n := stats.Errors["timestamp"]; n != tt.errs {
				t.Errorf("%d timestamp errors, want %d", n, tt.errs)
			}
		})
	}
}

func TestRandomAccess(t *testing.T) {
	recovery := []byte{0x06, 0x06, 0x01, 0xC4, 0x80}
	intra := append([]byte{0x41, 0x88}, slice(false, 1, 30)[2:]...)
	for _, tt := range []struct {
		name  string
		units [][]byte
		want  bool
	}{
		{"IDR", [][]byte{slice(true, 1, 30)}, true},
		{"P", [][]byte{slice(false, 1, 30)}, false},
		{"recovery point with I slices", [][]byte{recovery, intra}, true},
		{"recovery point of an intra refresh", [][]byte{recovery, slice(false, 1, 30)}, false},
		{"I alone", [][]byte{intra}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := watch(t)
			w.m.pes(videoPID, 0, 0, false, annexB(testAUD, testSPS, testPPS, slice(false, 0, 9)))
			w.m.pes(videoPID, 3600, 3600, false, annexB(append([][]byte{testAUD}, tt.units...)...))
			w.m.pes(videoPID, 7200, 7200, false, annexB(testAUD, slice(false, 0, 9)))
			w.write()
			if got := w.rec.of(videoPID)[1].Random; got != tt.want {
				t.Errorf("Random %v, want %v", got, tt.want)
			}
		})
	}
}

// TestNoRandomAccess: where there is no marked random access point, I pictures
// stand in after a while, so that the stream can be cut at all.
func TestNoRandomAccess(t *testing.T) {
	w := watch(t)
	intra := append([]byte{0x41, 0x88}, slice(false, 1, 30)[2:]...)
	for i := range 400 {
		nal := slice(false, 1, 30)
		if i%10 == 0 {
			nal = intra
		}
		w.m.pes(videoPID, int64(i*3600), int64(i*3600), false, annexB(testAUD, testSPS, testPPS, nal))
	}
	w.write()
	var random []int
	for i, au := range w.rec.of(videoPID) {
		if au.Random {
			random = append(random, i)
		}
	}
	if len(random) == 0 || random[0] < 290 || random[0]%10 != 0 {
		t.Errorf("random access points %v, want I pictures from about 300 on", random)
	}
}

func TestCompleteTime(t *testing.T) {
	rec, _ := demux(t, clean(12).out, 188)
	var last time.Time
	for _, au := range rec.units {
		if au.Complete.Before(last) || au.Complete.Before(epoch) {
			t.Fatalf("unit of stream %d complete at %v, before %v", au.Stream, au.Complete, last)
		}
		last = au.Complete
	}
	if codec := rec.program(t).Streams[0].Codec; codec != ingest.CodecH264 {
		t.Errorf("codec %v", codec)
	}
}
