package self

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What is judged is what was measured.
func TestVerdictNamesTheReason(t *testing.T) {
	cores := float64(runtime.GOMAXPROCS(0))
	for name, tt := range map[string]struct {
		feed func(w *Watch)
		want string
	}{
		"idle": {feed: func(w *Watch) {
			for range 100 {
				w.second(.1)
				w.late(time.Millisecond)
			}
		}},
		"one busy second of many": {feed: func(w *Watch) {
			w.second(cores)
			for range 99 {
				w.second(.1)
			}
		}},
		"busy": {want: "cpu:", feed: func(w *Watch) {
			for range 10 {
				w.second(.95 * cores)
			}
		}},
		"late": {want: "timers:", feed: func(w *Watch) {
			for i := range 100 {
				w.late(time.Duration(i/90) * 20 * time.Millisecond)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := New(nil)
			tt.feed(w)
			v := w.Verdict()
			if v.Limited != (tt.want != "") || v.Limited && !strings.HasPrefix(v.Reasons[0], tt.want) {
				t.Errorf("%+v, want %q", v, tt.want)
			}
		})
	}
}

// What Run measures is the process: the CPU that it burns, and timers that are late by
// as long as they are held up.
func TestRunMeasuresTheProcess(t *testing.T) {
	w := New(nil)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	sampled := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.seconds
	}
	for sampled() == 0 {
		runtime.Gosched() // It burns, and lets others run.
	}
	const held = 100 * time.Millisecond
	w.mu.Lock() // No timer is looked at meanwhile.
	time.Sleep(held)
	w.mu.Unlock()
	for before := sampled(); sampled() < before+2; { // The timers after it tell.
		time.Sleep(timerEvery)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	v := w.Verdict()
	if v.CPU <= 0 || v.CPUMax <= 0 {
		t.Errorf("a process that burns CPU: %+v", v)
	}
	if w.lag.Count() == 0 || v.LagMax < ms(held-2*timerEvery) {
		t.Errorf("timers held up for %v: %+v", held, v)
	}
}

// A socket that nobody reads overflows, and the verdict says so.
func TestDropsOfASocketAreCounted(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	drops := NewDrops()
	drops.Watch(0, conn)
	from, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for range 100 {
		if _, err := from.Write(make([]byte, 1200)); err != nil {
			t.Fatal(err)
		}
	}
	drops.Read()
	n, known := drops.Total(0)
	if !known {
		t.Skip("this system does not tell")
	}
	v := New(drops).Verdict()
	if n == 0 || n >= 100 || !v.Limited || !slices.ContainsFunc(v.Reasons, func(r string) bool { return strings.HasPrefix(r, "drops:") }) {
		t.Errorf("%d dropped of 100; %+v", n, v)
	}
	if other, _ := drops.Total(1); other != 0 {
		t.Errorf("%d with a label that no socket has", other)
	}
}

// A process without room for another connection is no slow server.
func TestOwnFailuresAreTheClients(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		own  bool
	}{
		{"no file left", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}, true},
		{"in a text", errors.New("dial tcp 127.0.0.1:8080: socket: too many open files"), true},
		{"no port left", os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), true},
		{"refused by the server", os.NewSyscallError("connect", syscall.ECONNREFUSED), false},
		{"none", nil, false},
	} {
		w := New(nil)
		w.Failed(tt.err)
		v := w.Verdict()
		if v.Limited != tt.own || tt.own && (v.Unopened != 1 || !strings.HasPrefix(v.Reasons[0], "connections: ")) {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
}
