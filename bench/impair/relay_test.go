package impair_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/live"
)

// echo answers every datagram with itself, and remembers who sent.
type echo struct {
	*net.UDPConn
	mu      sync.Mutex
	senders []netip.AddrPort // Guarded by mu. Without repetitions.
}

func startEcho(tb testing.TB) *echo {
	tb.Helper()
	e := &echo{UDPConn: socket(tb)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 65536)
		for {
			n, from, err := e.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			e.mu.Lock()
			if !slices.Contains(e.senders, from) {
				e.senders = append(e.senders, from)
			}
			e.mu.Unlock()
			e.WriteToUDPAddrPort(buffer[:n], from)
		}
	}()
	tb.Cleanup(func() { e.Close(); <-done })
	return e
}

func (e *echo) seen() []netip.AddrPort {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.senders)
}

func socket(tb testing.TB) *net.UDPConn {
	tb.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	conn.SetReadBuffer(4 << 20)
	return conn
}

// running is a network at work.
type running struct {
	*impair.Network
	addr string
	stop func()
}

// start runs a path to an address until the test ends.
func start(tb testing.TB, path impair.Path, to net.Addr, log *bytes.Buffer) running {
	tb.Helper()
	if err := path.Check(); err != nil {
		tb.Fatal(err)
	}
	cfg := impair.Config{Paths: []impair.Path{path}, Ends: []impair.Ends{{Listen: "127.0.0.1:0", To: to.String()}}, Seed: 5}
	if log != nil {
		cfg.Packets = log
	}
	network, err := impair.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- network.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(stop)
	addr, _, _ := strings.Cut(network.Ends()[0], " ")
	return running{network, addr, stop}
}

func dial(tb testing.TB, addr string) net.Conn {
	tb.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// exchange sends and gives what comes back within a time; "" if nothing does.
func exchange(tb testing.TB, conn net.Conn, text string, within time.Duration) string {
	tb.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(within))
	buffer := make([]byte, 65536)
	n, err := conn.Read(buffer)
	if err != nil {
		return ""
	}
	return string(buffer[:n])
}

const patience = 10 * time.Second

func TestRoundTripTakesBothDelays(t *testing.T) {
	path := impair.Path{Up: impair.Settings{Delay: new(30 * ms)}, Down: impair.Settings{Delay: new(20 * ms)}}
	n := start(t, path, startEcho(t).LocalAddr(), nil)
	first, second := dial(t, n.addr), dial(t, n.addr)
	for i, conn := range []net.Conn{first, second, first} {
		began, text := time.Now(), fmt.Sprint("client ", i)
		if got := exchange(t, conn, text, patience); got != text {
			t.Errorf("sent %q, got %q", text, got)
		}
		if took := time.Since(began); took < 50*ms {
			t.Errorf("took %v", took)
		}
	}
	n.stop()
	for _, r := range n.Readings() {
		if r.Stats.In.Packets != 3 || r.Stats.Out.Packets != 3 || r.Stats.In.Bytes != 3*(8+28) {
			t.Errorf("%v: %+v in, %+v out", r.Direction, r.Stats.In, r.Stats.Out)
		}
	}
}

func TestTooLargeForThePath(t *testing.T) {
	n := start(t, impair.Path{Both: impair.Settings{MTU: new(1400)}}, startEcho(t).LocalAddr(), nil)
	conn := dial(t, n.addr)
	exchange(t, conn, strings.Repeat("x", 1400-28+1), 1) // Vanishes; the answer would be the next one's.
	if got := exchange(t, conn, strings.Repeat("y", 1400-28), patience); got == "" || got[0] != 'y' {
		t.Errorf("got %.1q", got)
	}
}

func TestDuplicatesArriveTwice(t *testing.T) {
	path := impair.Path{Up: impair.Settings{Duplicate: percent(t, "100%")}}
	n := start(t, path, startEcho(t).LocalAddr(), nil)
	conn := dial(t, n.addr)
	for range 2 {
		if got := exchange(t, conn, "twice", patience); got != "twice" {
			t.Errorf("got %q", got)
		}
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	for answers := 2; answers < 4; answers++ {
		if _, err := conn.Read(make([]byte, 10)); err != nil {
			t.Errorf("%d answers: %v", answers, err)
		}
	}
}

func TestHugeDatagramsAreRefused(t *testing.T) {
	n := start(t, impair.Path{}, startEcho(t).LocalAddr(), nil)
	conn := dial(t, n.addr)
	if got := exchange(t, conn, strings.Repeat("x", 9217), 50*ms); got != "" {
		t.Errorf("%d bytes came back", len(got))
	}
	if got := exchange(t, conn, strings.Repeat("y", 9216), patience); len(got) != 9216 || got[0] != 'y' {
		t.Errorf("%d bytes came back", len(got))
	}
	if r := n.Readings()[0]; r.Refused != 1 {
		t.Errorf("%d refused", r.Refused)
	}
}

// After a new binding the server sees another port, and its answers arrive.
func TestRebinding(t *testing.T) {
	server := startEcho(t)
	path := impair.Path{Timeline: []impair.Step{{At: 50 * ms, Rebind: true}}, Repeat: 100 * ms}
	n := start(t, path, server.LocalAddr(), nil)
	conn := dial(t, n.addr)
	deadline := time.Now().Add(patience)
	for len(server.seen()) < 3 && time.Now().Before(deadline) {
		exchange(t, conn, "hello", 20*ms) // The answer to the old port is lost.
	}
	if got := len(server.seen()); got < 3 {
		t.Errorf("the server saw %d ports", got)
	}
	r := n.Readings()[0]
	if most := uint64(r.Elapsed/(100*ms)) + 1; r.Rebinds < 2 || r.Rebinds > most || r.Clients != 1 {
		t.Errorf("%d new bindings of %d clients in %v", r.Rebinds, r.Clients, r.Elapsed)
	}
}

// A server that starts late, as ICMP tells, is reached all the same.
func TestServerStartsLate(t *testing.T) {
	server := socket(t)
	addr := server.LocalAddr()
	server.Close()
	n := start(t, impair.Path{}, addr, nil)
	conn := dial(t, n.addr)
	for range 3 {
		exchange(t, conn, "nobody", 20*ms)
	}
	late, err := net.ListenPacket("udp4", addr.String())
	if err != nil {
		t.Skip("the port was taken") // By another test's socket.
	}
	defer late.Close()
	conn.Write([]byte("somebody"))
	late.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, 100)
	if n, _, err := late.ReadFrom(buffer); err != nil || string(buffer[:n]) != "somebody" {
		t.Errorf("%q, %v", buffer[:n], err)
	}
}

func TestClientsAreLimited(t *testing.T) {
	n := start(t, impair.Path{}, startEcho(t).LocalAddr(), nil)
	const limit = 256
	for i := range limit {
		if exchange(t, dial(t, n.addr), "hello", patience) == "" {
			t.Fatalf("client %d was not served", i)
		}
	}
	if got := exchange(t, dial(t, n.addr), "hello", 100*ms); got != "" {
		t.Error("one more was served")
	}
	if r := n.Readings()[0]; r.Refused != 1 || r.Clients != limit {
		t.Errorf("%d refused, %d clients", r.Refused, r.Clients)
	}
}

// Two runs of one seed over real sockets agree about every packet.
func TestTwoRunsAgree(t *testing.T) {
	path := impair.Path{Both: impair.Settings{
		Delay: new(2 * ms), Jitter: new(ms), Loss: percent(t, "5%"), LossBurst: new(3.0), Duplicate: percent(t, "2%"), Reorder: percent(t, "2%"),
	}}
	var runs [2][]string
	for i := range runs {
		var log bytes.Buffer
		n := start(t, path, socket(t).LocalAddr(), &log)
		conn := dial(t, n.addr)
		for sent := range 4000 {
			conn.Write([]byte("some bytes"))
			if sent%50 == 49 {
				time.Sleep(time.Duration(i+1) * ms) // At another pace.
			}
		}
		deadline := time.Now().Add(patience)
		for n.Readings()[0].Stats.In.Packets < 4000 && time.Now().Before(deadline) {
			time.Sleep(5 * ms)
		}
		n.stop()
		runs[i] = strings.Split(log.String(), "\n")
	}
	if len(runs[0]) != 4002 {
		t.Fatalf("%d lines", len(runs[0]))
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Errorf("%.500s", diff)
	}
	if all := strings.Join(runs[0], "\n"); !strings.Contains(all, ",loss\n") || !strings.Contains(all, "link0.up,0,38,") {
		t.Errorf("%.300s", all)
	}
}

func TestReports(t *testing.T) {
	n := start(t, impair.Path{Name: "wifi", Both: impair.Settings{MTU: new(100)}}, startEcho(t).LocalAddr(), nil)
	conn := dial(t, n.addr)
	exchange(t, conn, strings.Repeat("x", 200), 1)
	exchange(t, conn, "hello", patience)
	n.stop()
	var people, screen bytes.Buffer
	if err := impair.WriteText(&people, n.Readings()); err != nil {
		t.Fatal(err)
	}
	if text := people.String(); !strings.Contains(text, "wifi up: 2 packets in, 1 out") || !strings.Contains(text, "lost 50.000 % (mtu 1)") {
		t.Error(text)
	}
	view := impair.View{Screen: &live.Screen{Out: &screen, Redraw: true}}
	view.Show(n.Readings())
	view.Show(n.Readings())
	// Three lines, and the second look goes up over them.
	if text := screen.String(); strings.Count(text, "\n") != 6 || strings.Count(text, "\x1b[3A") != 1 || !strings.Contains(text, "(mtu 1)") {
		t.Errorf("%q", text)
	}
}

// What a network did is in its report, by link and direction: what happened each second,
// what the timeline said, and the totals.
func TestRecord(t *testing.T) {
	path := impair.Path{Name: "wifi", Both: impair.Settings{MTU: new(100)}, Timeline: []impair.Step{{At: 0, For: 300 * ms, Note: "roaming"}}}
	n := start(t, path, startEcho(t).LocalAddr(), nil)
	conn := dial(t, n.addr)
	exchange(t, conn, strings.Repeat("x", 200), 1)
	exchange(t, conn, "hello", patience)
	var d report.Document
	r := report.New(report.Run{Tool: "t"}, &d)
	record := impair.Record{Report: r}
	record.Look(n.Readings())
	for n.Readings()[0].Elapsed < 400*ms {
		time.Sleep(ms)
	}
	record.Look(n.Readings())
	exchange(t, conn, "again", patience)
	n.stop()
	record.End(n.Readings())
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	up := report.Labels{"link": "wifi", "direction": "up"}.String()
	counts := make(map[string]int64)
	for _, c := range d.Counters {
		if c.Labels["direction"] == "up" {
			counts[strings.TrimSpace(c.Name+" "+c.Labels["reason"])] = c.Value
		}
	}
	delete(counts, "own_loss") // Not known everywhere.
	want := map[string]int64{
		"packets_in": 3, "bytes_in": 228 + 33 + 33, "packets_out": 2, "bytes_out": 66, "duplicated": 0, "reordered": 0, "unsent": 0, "refused": 0,
		"rebinds": 0, "dropped outage": 0, "dropped mtu": 1, "dropped loss": 0, "dropped queue": 0, "dropped codel": 0,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counters (-want +got)\n%s", diff)
	}
	var loss []float64
	for _, s := range d.Samples {
		if s.Name == "loss" && s.Labels.String() == up {
			loss = append(loss, s.Value)
		}
	}
	if diff := cmp.Diff([]float64{50, 0, 0}, loss); diff != "" {
		t.Errorf("loss of each look (-want +got)\n%s", diff)
	}
	var delays int64
	for _, g := range d.DistributionGroups() {
		for _, s := range g.Series {
			if g.Name == "delay" && s.Labels.String() == up {
				delays += s.Total.Count()
			}
		}
	}
	if delays != 2 {
		t.Errorf("%d delays, of two packets that went up", delays)
	}
	steps := d.Timeline()
	if len(steps) != 2 || steps[0].Name != "roaming" || steps[0].Subject != "wifi" || steps[0].Until == nil {
		t.Errorf("timeline %+v", steps)
	}
	if len(d.Checks) != 1 || d.Checks[0].Failed() {
		t.Errorf("checks %+v", d.Checks)
	}
}
