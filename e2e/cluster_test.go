package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/e2e/rig"
)

// scale is how much the tests of clusters do: enough to find faults in each run of the
// tests, or (E2E_TIERS=full, `make tiers`) what is promised.
type scale struct {
	viewers int
	outage  time.Duration // of the directory
	p50     float64       // ms within which viewers go on after the loss of their mid
	p99     float64
	stall   float64 // ms that the browser may stand
}

func tiersScale() scale {
	if os.Getenv("E2E_TIERS") == "full" {
		s := scale{viewers: 300, outage: 10 * time.Minute, p50: 1000, p99: 3000, stall: 1000}
		if n, err := strconv.Atoi(os.Getenv("E2E_VIEWERS")); err == nil { // For machines that others use, too.
			s.viewers = n
		}
		return s
	}
	// A busy machine makes everybody wait; a fault takes longer.
	return scale{viewers: 60, outage: 15 * time.Second, p50: 2000, p99: 4000, stall: 2000}
}

// lean is small enough for many viewers on little machines.
var lean = rig.Camera{Width: 320, Height: 180, Rate: 15}

const leanRate = "150k"

// push has ffmpeg push a broadcast to an origin.
func (f cluster) push(t *testing.T, origin, path string) *rig.Encoder {
	t.Helper()
	e, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: f.Nodes[origin], StreamID: path},
		lean, rig.Encoding{Bitrate: leanRate})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pushAgain is an encoder that tries until it is let in.
func (f cluster) pushAgain(t *testing.T, origin, path string) *rig.Encoder {
	t.Helper()
	for range 20 {
		e := f.push(t, origin, path)
		select {
		case <-e.Done():
			e.Stop()
			time.Sleep(250 * time.Millisecond)
		case <-time.After(1500 * time.Millisecond):
			return e
		}
	}
	t.Fatalf("%s does not let an encoder of %s in", origin, path)
	return nil
}

// audience is viewers who have come, and what is asked of them.
type audience struct {
	*rig.Audience
	viewers int
}

// gather has viewers watch, and waits until all do.
func (f cluster) gather(t *testing.T, path string, viewers int) audience {
	t.Helper()
	must(t, f.Serves(t.Context(), path))
	a := audience{f.watch(t, path, viewers), viewers}
	within(t, 60*time.Second, func() error {
		time.Sleep(time.Second)
		r, err := a.Report("gathering")
		if err == nil && r.Watching < viewers {
			err = fmt.Errorf("%d of %d viewers watch: %v", r.Watching, viewers, r.Errors)
		}
		return err
	})
	time.Sleep(5 * time.Second) // What the joining cost is over.
	a.expect(t, "gathered", 2000, 3000)
	return a
}

// expect reads what the viewers saw since the last time: all of the broadcast, once,
// without a pause over the limits, of the sessions none ended. It gives the report.
func (a audience) expect(t *testing.T, phase string, p50, p99 float64) view.Report {
	t.Helper()
	r, err := a.Report(phase)
	if err != nil {
		t.Fatal(err)
	}
	show(t, r)
	if r.Watching != a.viewers || r.Ended > 0 {
		t.Errorf("%s: %d of %d viewers watch, %d sessions ended", phase, r.Watching, a.viewers, r.Ended)
	}
	if r.Missing+r.Cut+r.Twice+r.Starts > 0 {
		t.Errorf("%s: %d missing, %d twice, %d groups cut, %d starts", phase, r.Missing, r.Twice, r.Cut, r.Starts)
	}
	if r.Pause.P50 > p50 || r.Pause.P99 > p99 {
		t.Errorf("%s: pauses of p50 %.0f ms, p99 %.0f ms", phase, r.Pause.P50, r.Pause.P99)
	}
	return r
}

// A mid is killed, and its edges' viewers go on by the other one.
func TestClusterLosesAMid(t *testing.T) {
	beside(t)
	s, f := tiersScale(), startFleet(t, false)
	const path = "live/killed"
	defer f.push(t, "origin-a", path).Stop()
	a := f.gather(t, path, s.viewers)
	mid := "mid-a"
	if len(f.below(t, mid, path)) == 0 {
		mid = "mid-b"
	}
	edges := f.below(t, mid, path)
	if err := f.Nodes[mid].Kill(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(6 * time.Second)
	r := a.expect(t, mid+" killed", s.p50, s.p99)
	for _, edge := range edges {
		for _, url := range []string{f.Nodes[edge].HTTPS("/moq"), "moqt://" + f.Nodes[edge].QUIC()} {
			at := r.PauseAt[url]
			t.Logf("%d viewers of %s at %s: went on after p50 %.0f ms, p99 %.0f ms", at.Count, mid, url, at.P50, at.P99)
			if at.Count == 0 || at.P50 > s.p50 || at.P99 > s.p99 {
				t.Errorf("viewers of %s at %s: %+v", mid, url, at)
			}
		}
	}
	f.start(t, mid)
	f.settled(t)
	time.Sleep(3 * time.Second)
	a.expect(t, mid+" back", 1000, 2000)
}

// Every node is restarted in turn; before the encoder's origin is, the encoder goes to
// the other one, and viewers follow it.
func TestClusterRollingRestart(t *testing.T) {
	beside(t)
	rig.Need(t, "node", "chromium")
	s, f := tiersScale(), startFleet(t, false)
	const path = "live/rolling"
	encoder := f.push(t, "origin-a", path)
	defer func() { encoder.Stop() }()
	a := f.gather(t, path, s.viewers)
	browser := startViewer(t, ourPage(f.Nodes["edge-a"], path, 600))
	if err := browser.Playing(); err != nil {
		t.Fatal(err)
	}
	a.expect(t, "browser plays", 1000, 3000)
	for _, name := range []string{"origin-b", "mid-a", "mid-b", "edge-a", "edge-b", "edge-c"} {
		f.restart(t, name)
		f.settled(t)
		time.Sleep(2 * time.Second)
		a.expect(t, name+" restarted", 1000, 2000)
	}
	time.Sleep(4 * time.Second)
	a.expect(t, "at rest", 500, 1000)
	if err := browser.HangUp(); err != nil {
		t.Error(err)
	}
	seen, err := browser.Result()
	if err != nil {
		t.Fatal(err)
	}
	report(t, seen)
	if longest := slices.Max(append(seen.Stalls, 0)); longest > s.stall {
		t.Errorf("the browser stood for %.0f ms", longest)
	}
	encoder.Stop() // Without a goodbye.
	encoder = f.pushAgain(t, "origin-b", path)
	time.Sleep(8 * time.Second)
	// Relays wait for the tracks of the new origin: no session ends, no subscription does.
	r, err := a.Report("encoder at origin-b")
	if err != nil {
		t.Fatal(err)
	}
	show(t, r)
	if r.Watching != s.viewers || r.Ended+r.Missing+r.Twice > 0 || r.Pause.P99 > s.p99 {
		t.Errorf("viewers did not follow the encoder: %+v", r)
	}
	f.restart(t, "origin-a")
	f.settled(t)
	time.Sleep(4 * time.Second)
	r, err = a.Report("origin-a restarted")
	if err != nil {
		t.Fatal(err)
	}
	show(t, r)
	if r.Watching != s.viewers || r.Ended+r.Missing+r.Twice > 0 || r.Pause.P99 > 2000 {
		t.Errorf("the restart of the origin that has no encoder any more was seen: %+v", r)
	}
}

// Two of three voters are killed, one of them the mid that serves: media goes on, who
// publishes twice is refused as long as anybody knows, and the directory is well again
// when one is back.
func TestClusterLosesItsDirectory(t *testing.T) {
	beside(t)
	s, f := tiersScale(), startFleet(t, false)
	const path = "live/voters"
	defer f.push(t, "origin-a", path).Stop()
	a := f.gather(t, path, s.viewers)
	f.refused(t, path)
	must(t, f.StopDirectory())
	f.directoryAway(t, "origin-a")
	a.expect(t, "two voters killed", s.p50, s.p99)
	local := f.push(t, "origin-a", "live/local")
	defer local.Stop()
	f.plays(t, "edge-a", "live/local")
	a.expect(t, "directory away", 1000, 2000)
	must(t, f.StartDirectory())
	f.settled(t)
	a.expect(t, "directory back", 1000, 2000)
	within(t, 10*time.Second, func() error {
		state, err := rig.Get(t.Context(), f.Nodes["origin-b"].Operator("/v1/cluster"))
		if err == nil && (!strings.Contains(state, `"live/local"`) || !strings.Contains(state, `"`+path+`"`)) {
			err = fmt.Errorf("origin-b does not know all owners: %s", state)
		}
		return err
	})
	f.refused(t, "live/local")
}

// The directory is a NATS server that stops: nobody notices, new encoders come in, and
// the metrics and /readyz say so.
func TestClusterWithoutExternalDirectory(t *testing.T) {
	beside(t)
	s, f := tiersScale(), startFleet(t, true)
	const path = "live/outage"
	defer f.push(t, "origin-a", path).Stop()
	a := f.gather(t, path, s.viewers)
	f.refused(t, path)
	if err := f.StopDirectory(); err != nil {
		t.Fatal(err)
	}
	for _, name := range fleet.Names() {
		f.directoryAway(t, name)
	}
	defer f.push(t, "origin-b", "live/late").Stop()
	f.plays(t, "edge-a", "live/late")
	f.refused(t, path)
	for left := s.outage; left > 0; left -= time.Minute {
		time.Sleep(min(left, time.Minute))
		a.expect(t, "directory away", 1000, 2000)
	}
	must(t, f.StartDirectory())
	f.settled(t)
	time.Sleep(5 * time.Second)
	a.expect(t, "directory back", 1000, 2000)
}

// A machine that pushes over QUIC gets another address, and viewers notice little.
func TestClusterPushChangesItsAddress(t *testing.T) {
	beside(t)
	f := startFleet(t, false)
	const path = "live/moves"
	laptop := f.Machines["laptop"]
	source, err := rig.StartPush(context.Background(), artifactDir(t), binary, "quic://"+f.Nodes["origin-a"].QUIC()+"/"+path,
		laptop, lean, rig.Encoding{Bitrate: leanRate})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	a := f.gather(t, path, 6)
	next, err := laptop.Move()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	a.expect(t, fmt.Sprintf("from %v to %v", laptop.Addr, next), 1500, 2000)
	metrics, err := f.Nodes["origin-a"].Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Two if the publisher notices by itself what the gateway has seen already.
	if moves := metrics.Sum("freshet_quicts_moves_total"); moves < 1 || moves > 2 {
		t.Errorf("origin-a saw %v changes of address", moves)
	}
}

// refused pushes to origin-b what the other origin has.
func (f cluster) refused(t *testing.T, path string) {
	t.Helper()
	const origin = "origin-b"
	e := f.push(t, origin, path)
	defer e.Stop()
	select {
	case <-e.Done():
	case <-time.After(10 * time.Second):
		t.Errorf("a second publisher of %s is not refused at %s", path, origin)
	}
	log := f.Nodes[origin].Output()
	if !strings.Contains(log, `code=1409 name=`+path) || !strings.Contains(log, `already publishing at node \"origin-a\"`) {
		t.Errorf("%s does not say why it refused a second publisher of %s:\n%s", origin, path, log)
	}
}

// plays waits until an edge serves a broadcast.
func (f cluster) plays(t *testing.T, edge, path string) {
	t.Helper()
	within(t, 30*time.Second, func() error {
		out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
			f.Nodes[edge].HTTP("/"+path+"/index.m3u8")).CombinedOutput()
		if err == nil && !strings.Contains(string(out), "h264") {
			err = fmt.Errorf("ffprobe says %q", out)
		}
		return err
	})
}

// directoryAway waits until a node says that the directory does not answer, and that it
// is ready nevertheless.
func (f cluster) directoryAway(t *testing.T, name string) {
	t.Helper()
	within(t, 20*time.Second, func() error {
		ready, err := rig.Get(t.Context(), f.Nodes[name].Operator("/readyz"))
		if err == nil && !strings.Contains(ready, "directory: the directory does not answer") {
			err = fmt.Errorf("%s is ready and says %s", name, ready)
		}
		return err
	})
	must(t, f.DirectoryAway(t.Context(), name))
}
