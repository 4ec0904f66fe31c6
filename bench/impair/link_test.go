package impair_test

import (
	"encoding"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/bench/impair"
)

const ms = time.Millisecond

// text reads a value as it is written in a file.
func text[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](tb testing.TB, s string) *T {
	tb.Helper()
	v := P(new(T))
	if err := v.UnmarshalText([]byte(s)); err != nil {
		tb.Fatal(err)
	}
	return v
}

func percent(tb testing.TB, s string) *impair.Percent {
	tb.Helper()
	return text[impair.Percent](tb, s)
}
func rate(tb testing.TB, s string) *impair.Rate { tb.Helper(); return text[impair.Rate](tb, s) }
func queue(tb testing.TB, s string) *impair.QueueSize {
	tb.Helper()
	return text[impair.QueueSize](tb, s)
}

func gilbert(tb testing.TB, s string) *impair.Gilbert {
	tb.Helper()
	return text[impair.Gilbert](tb, s)
}

// plan is the upward direction of a path.
func plan(tb testing.TB, p impair.Path) *impair.Plan {
	tb.Helper()
	if err := p.Check(); err != nil {
		tb.Fatal(err)
	}
	out, err := p.Plan(impair.Up)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// arrival is one packet of a load.
type arrival struct {
	at   time.Duration
	size int
}

// steady is n packets at a pace.
func steady(n, size int, every time.Duration) []arrival {
	out := make([]arrival, n)
	for i := range out {
		out[i] = arrival{time.Duration(i) * every, size}
	}
	return out
}

// result is all that a link did with a load.
type result struct {
	fates      []impair.Fate
	departures []impair.Departure[int]
	stats      impair.Stats
}

// carry drives a link through a load: events as they come due, then arrivals.
func carry(link *impair.Link[int], load []arrival) result {
	var r result
	for i, a := range load {
		for link.Next() <= a.at {
			r.departures = link.Advance(link.Next(), r.departures)
		}
		r.fates = append(r.fates, link.Send(a.at, a.size, i))
	}
	for link.Next() < math.MaxInt64 {
		r.departures = link.Advance(link.Next(), r.departures)
	}
	r.stats = link.Stats()
	return r
}

func run(tb testing.TB, s impair.Settings, load []arrival) result {
	tb.Helper()
	return carry(impair.NewLink[int](plan(tb, impair.Path{Both: s}), 1, 0), load)
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s is %.4g, want %.4g ± %.2g", what, got, want, tolerance)
	}
}

func TestDelayIsExact(t *testing.T) {
	load := steady(1000, 1200, 700*time.Microsecond)
	r := run(t, impair.Settings{Delay: new(50 * ms)}, load)
	if len(r.departures) != len(load) {
		t.Fatalf("%d of %d came out", len(r.departures), len(load))
	}
	for i, d := range r.departures {
		if d.Packet != i || d.At != load[i].at+50*ms {
			t.Fatalf("packet %d left at %v as number %d", d.Packet, d.At, i)
		}
	}
	near(t, "median delay in ms", r.stats.Delay.Quantile(.5).Seconds()*1e3, 50, .4)
}

func TestUniformLoss(t *testing.T) {
	const n = 200_000
	r := run(t, impair.Settings{Loss: percent(t, "5%")}, steady(n, 1200, time.Microsecond))
	near(t, "loss in percent", float64(r.stats.Dropped[impair.Lost])/n*100, 5, .2)
	// Independent: runs of losses are as long as chance makes them.
	near(t, "mean burst", burst(r.fates), 1/(1-.05), .02)
}

func TestBursts(t *testing.T) {
	const n = 400_000
	for name, c := range map[string]struct {
		settings    impair.Settings
		loss, burst float64
	}{
		"mean length": {impair.Settings{Loss: percent(t, "5%"), LossBurst: new(8.0)}, 5, 8},
		"gilbert":     {impair.Settings{Gilbert: gilbert(t, "p=1%,r=25%")}, 100 * .01 / .26, 4},
		// In the bad state of mean length 5 each is lost with a chance of one half.
		"elliott": {impair.Settings{Gilbert: gilbert(t, "p=2%,r=20%,good=0.1%,bad=50%")}, 100 * (.02/.22*.5 + .2/.22*.001), 1.66},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, c.settings, steady(n, 1200, time.Microsecond))
			near(t, "loss in percent", float64(r.stats.Dropped[impair.Lost])/n*100, c.loss, .25)
			near(t, "mean burst", burst(r.fates), c.burst, .03*c.burst)
		})
	}
}

// burst is the mean number of losses in a row.
func burst(fates []impair.Fate) float64 {
	lost, runs := 0, 0
	for i, f := range fates {
		if f.Dropped != impair.Lost {
			continue
		}
		lost++
		if i == 0 || fates[i-1].Dropped != impair.Lost {
			runs++
		}
	}
	return float64(lost) / float64(runs)
}

func TestJitter(t *testing.T) {
	load := steady(100_000, 1200, ms)
	for name, c := range map[string]struct {
		shape             impair.Distribution
		mean, spread, min float64 // ms
	}{
		"normal":  {impair.Normal, 50, 5, 20},
		"uniform": {impair.Uniform, 50, 5 / math.Sqrt(3), 45},
		"pareto":  {impair.Pareto, 55, 8.66, 50},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, impair.Settings{
				Delay: new(50 * ms), Jitter: new(5 * ms), Distribution: &c.shape, Unordered: new(true),
			}, load)
			var sum, squares float64
			least := math.Inf(1)
			for _, d := range r.departures {
				v := (d.At - load[d.Packet].at).Seconds() * 1e3
				sum, squares, least = sum+v, squares+v*v, min(least, v)
			}
			n := float64(len(load))
			near(t, "mean delay", sum/n, c.mean, .1)
			near(t, "standard deviation", math.Sqrt(squares/n-sum/n*sum/n), c.spread, .06*c.spread)
			if least < c.min {
				t.Errorf("the least delay is %.1f ms", least)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	load := steady(20_000, 1200, ms)
	jitter := impair.Settings{Delay: new(50 * ms), Jitter: new(10 * ms)}
	if late := overtaken(run(t, jitter, load)); late != 0 {
		t.Errorf("jitter alone changed the order of %d", late)
	}
	jitter.Unordered = new(true)
	if late := overtaken(run(t, jitter, load)); late < len(load)/2 {
		t.Errorf("free jitter changed the order of %d", late)
	}
	r := run(t, impair.Settings{Delay: new(50 * ms), Reorder: percent(t, "2%"), ReorderBy: new(3500 * time.Microsecond)}, load)
	near(t, "held back in percent", float64(overtaken(r))/float64(len(load))*100, 2, .3)
	if int(r.stats.Reordered) != overtaken(r) {
		t.Errorf("counted %d of %d", r.stats.Reordered, overtaken(r))
	}
}

// overtaken counts the packets that leave after one that came later.
func overtaken(r result) int {
	late, latest := 0, -1
	for _, d := range r.departures {
		if d.Packet < latest {
			late++
		}
		latest = max(latest, d.Packet)
	}
	return late
}

func TestDuplicates(t *testing.T) {
	r := run(t, impair.Settings{Duplicate: percent(t, "3%")}, steady(50_000, 100, ms))
	near(t, "duplicates in percent", float64(r.stats.Duplicated)/50_000*100, 3, .25)
	if r.stats.Out.Packets != 50_000+r.stats.Duplicated {
		t.Errorf("%d went out, %d of them twice", r.stats.Out.Packets, r.stats.Duplicated)
	}
}

func TestMTU(t *testing.T) {
	r := run(t, impair.Settings{MTU: new(1400)}, []arrival{{0, 1400}, {0, 1401}})
	want := []impair.Fate{{}, {Dropped: impair.TooBig}}
	if diff := cmp.Diff(want, r.fates); diff != "" {
		t.Error(diff)
	}
}

// 10 Mbit/s sends 1250 bytes in a millisecond.
func TestRateAndTailDrop(t *testing.T) {
	// A burst of 40 into a queue of 20 ms: one is being sent, 20 wait.
	r := run(t, impair.Settings{Rate: rate(t, "10mbit"), Queue: queue(t, "20ms")}, steady(40, 1250, 0))
	if len(r.departures) != 21 || r.stats.Dropped[impair.QueueFull] != 19 || r.stats.QueueMax != 25_000 {
		t.Errorf("%d passed, %d dropped, at most %d bytes waited", len(r.departures), r.stats.Dropped[impair.QueueFull], r.stats.QueueMax)
	}
	for i, d := range r.departures {
		if want := time.Duration(i+1) * ms; d.Packet != i || d.At != want {
			t.Errorf("packet %d left at %v, want %v", d.Packet, d.At, want)
		}
	}
	// Twice the rate for ten seconds: what passes is the rate.
	r = run(t, impair.Settings{Rate: rate(t, "10mbit"), Queue: queue(t, "64kB")}, steady(20_000, 1250, ms/2))
	near(t, "Mbit/s", float64(r.stats.Out.Bytes)*8/10/1e6, 10, .1)
}

// RFC 8289: a standing queue goes down to the target, a burst that passes is left alone.
func TestCoDel(t *testing.T) {
	codel := impair.CoDel
	settings := impair.Settings{Rate: rate(t, "10mbit"), Queue: queue(t, "1s"), AQM: &codel}
	if r := run(t, settings, steady(70, 1250, 0)); len(r.departures) != 70 {
		t.Errorf("a burst of 70 ms lost %d", 70-len(r.departures))
	}
	// 5 % too much, for a minute.
	load := steady(63_000, 1250, ms*20/21)
	r := run(t, settings, load)
	var late []time.Duration
	for _, d := range r.departures {
		if wait := d.At - load[d.Packet].at; d.Dropped == impair.Delivered && load[d.Packet].at > 20*time.Second {
			late = append(late, wait)
		}
	}
	slices.Sort(late)
	// Taildrop would stand at 1000 ms.
	if median := late[len(late)/2]; median > 60*ms {
		t.Errorf("waits %v in the median", median)
	}
	near(t, "dropped by CoDel in percent", float64(r.stats.Dropped[impair.Codel])/63_000*100, 100.0/21, 1)
	if r.stats.Dropped[impair.QueueFull] != 0 {
		t.Errorf("%d dropped at the tail", r.stats.Dropped[impair.QueueFull])
	}
	near(t, "Mbit/s", float64(r.stats.Out.Bytes)*8/60/1e6, 10, .1)
	spacing(t, r)
}

// spacing checks the control law: the nth drop in a row of drops comes
// 100 ms / √n after the one before.
func spacing(t *testing.T, r result) {
	t.Helper()
	var drops []time.Duration
	for _, d := range r.departures {
		if d.Dropped == impair.Codel {
			drops = append(drops, d.At)
		}
	}
	for n := 1; n <= 5; n++ {
		want := 100 / math.Sqrt(float64(n))
		near(t, "time to the next drop in ms", (drops[n]-drops[n-1]).Seconds()*1e3, want, 1.1) // a packet takes 1 ms
	}
}

func TestTimeline(t *testing.T) {
	path := impair.Path{
		Both:   impair.Settings{Delay: new(10 * ms)},
		Repeat: time.Second,
		Timeline: []impair.Step{
			{At: 200 * ms, For: 100 * ms, Both: impair.Settings{Outage: new(true)}},
			{At: 500 * ms, For: 200 * ms, Up: impair.Settings{Delay: new(30 * ms)}, Down: impair.Settings{Delay: new(70 * ms)}},
			{At: 800 * ms, For: 100 * ms, Both: impair.Settings{Stall: new(true)}},
		},
	}
	r := carry(impair.NewLink[int](plan(t, path), 1, 0), steady(30, 100, 100*ms))
	left := make(map[int]time.Duration)
	for _, d := range r.departures {
		left[d.Packet] = d.At
	}
	for round := range 3 {
		for i, want := range []int{10, 10, -1, 10, 10, 30, 30, 10, 110, 10} {
			n := round*10 + i
			at, ok := left[n]
			if got := at - time.Duration(n)*100*ms; ok != (want >= 0) || ok && got != time.Duration(want)*ms {
				t.Errorf("packet %d took %v (delivered: %v), want %d ms", n, got, ok, want)
			}
		}
	}
	if r.stats.Dropped[impair.Outage] != 3 {
		t.Errorf("%d lost in outages", r.stats.Dropped[impair.Outage])
	}
}

// everything asks every stage.
func everything(tb testing.TB) impair.Path {
	tb.Helper()
	codel := impair.CoDel
	return impair.Path{
		Both: impair.Settings{
			Delay: new(20 * ms), Jitter: new(5 * ms), Loss: percent(tb, "2%"), LossBurst: new(3.0), Reorder: percent(tb, "1%"),
			Duplicate: percent(tb, "1%"), Rate: rate(tb, "9mbit"), Queue: queue(tb, "50ms"), AQM: &codel, MTU: new(1300),
		},
		Timeline: []impair.Step{{At: time.Second, For: 300 * ms, Both: impair.Settings{Loss: percent(tb, "20%")}}},
		Repeat:   2 * time.Second,
	}
}

func TestOneSeedOneResult(t *testing.T) {
	p, load := plan(t, everything(t)), steady(20_000, 1250, ms)
	of := func(seed, stream uint64) result { return carry(impair.NewLink[int](p, seed, stream), load) }
	first := of(7, 0)
	if diff := cmp.Diff(first, of(7, 0), cmp.AllowUnexported(result{}, impair.Histogram{})); diff != "" {
		t.Errorf("two runs of one seed differ: %.500s", diff)
	}
	for name, other := range map[string]result{"seed": of(8, 0), "direction": of(7, 1)} {
		if slices.Equal(first.fates, other.fates) {
			t.Errorf("another %s changes nothing", name)
		}
	}
}

// Chance decides by number: packets that come at other times, with other sizes,
// and other settings of other stages change nothing.
func TestChanceDependsOnTheNumberAlone(t *testing.T) {
	loss := impair.Settings{Loss: percent(t, "3%"), LossBurst: new(2.0), Duplicate: percent(t, "2%")}
	full := loss
	full.Rate, full.Jitter, full.Delay = rate(t, "1mbit"), new(30*ms), new(40*ms)
	first := run(t, loss, steady(20_000, 1250, ms))
	second := run(t, full, steady(20_000, 300, 3*ms))
	if i := slices.IndexFunc(first.fates, func(f impair.Fate) bool { return f.Dropped == impair.Lost }); i < 0 {
		t.Fatal("nothing was lost")
	}
	if diff := cmp.Diff(first.fates, second.fates); diff != "" {
		t.Errorf("%.500s", diff)
	}
}

// When Advance is called decides nothing: late calls give the same departures.
func TestLateCallsChangeNothing(t *testing.T) {
	p, load := plan(t, everything(t)), steady(5000, 1250, ms)
	exact := carry(impair.NewLink[int](p, 3, 0), load)
	link := impair.NewLink[int](p, 3, 0)
	var late []impair.Departure[int]
	for i, a := range load {
		link.Send(a.at, a.size, i)
		if i%37 == 0 {
			late = link.Advance(a.at, late)
		}
	}
	late = link.Advance(time.Hour, late)
	byTime := func(a, b impair.Departure[int]) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return a.Packet - b.Packet
	}
	slices.SortFunc(late, byTime)
	slices.SortFunc(exact.departures, byTime)
	if diff := cmp.Diff(exact.departures, late); diff != "" {
		t.Errorf("%.500s", diff)
	}
}

func TestOpportunities(t *testing.T) {
	file := filepath.Join(t.TempDir(), "link.trace")
	// Two packets at 10 ms, one at 25 ms, again after 40 ms.
	if err := os.WriteFile(file, []byte("10\n10\n25\n40\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var path impair.Path
	if err := path.Record(impair.Up, file); err != nil {
		t.Fatal(err)
	}
	link := impair.NewLink[int](plan(t, path), 1, 0)
	// 752 bytes are half an opportunity; 1504 cross from one to the next.
	r := carry(link, []arrival{{0, 752}, {0, 1504}, {0, 752}, {0, 1504}, {26 * ms, 100}, {45 * ms, 1504}})
	var got []time.Duration
	for _, d := range r.departures {
		got = append(got, d.At)
	}
	if diff := cmp.Diff([]time.Duration{10 * ms, 10 * ms, 10 * ms, 25 * ms, 40 * ms, 50 * ms}, got); diff != "" {
		t.Errorf("departures (-want +got)\n%s", diff)
	}
}

func TestTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "link.csv")
	table := "time_s,rate_kbit,delay_ms,loss_percent\n0,10000,20,0\n1,,40,\n2,,,100\n3,,,\n"
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	var path impair.Path
	if err := path.Record(impair.Up, file); err != nil {
		t.Fatal(err)
	}
	r := carry(impair.NewLink[int](plan(t, path), 1, 0), []arrival{{0, 1250}, {time.Second, 1250}, {2 * time.Second, 1250}, {4 * time.Second, 1250}})
	var got []time.Duration
	for _, d := range r.departures {
		got = append(got, d.At)
	}
	// A row says all: what it leaves out is as without a trace.
	if diff := cmp.Diff([]time.Duration{21 * ms, 1040 * ms, 4040 * ms}, got); diff != "" {
		t.Errorf("departures (-want +got)\n%s", diff)
	}
}

func BenchmarkLink(b *testing.B) {
	link := impair.NewLink[int](plan(b, everything(b)), 1, 0)
	b.ReportAllocs()
	var now time.Duration
	var out []impair.Departure[int]
	for b.Loop() {
		now += ms
		link.Send(now, 1250, 0)
		out = link.Advance(now, out[:0])
	}
}
