package srt_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"

	"github.com/freshet-live/freshet/transport/srt"
)

// listener is a Listener that runs on the loopback until the test ends.
type listener struct {
	*srt.Listener

	addr netip.AddrPort
	log  *logbook

	mu      sync.Mutex
	refused []srt.Refusal
}

// logbook keeps log lines.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func start(tb testing.TB, cfg srt.Config) *listener {
	tb.Helper()
	return startAt(tb, "127.0.0.1:0", cfg)
}

func startAt(tb testing.TB, address string, cfg srt.Config) *listener {
	tb.Helper()
	l := &listener{log: &logbook{}}
	cfg.Logger = slog.New(slog.NewTextHandler(l.log, nil))
	cfg.Refused = func(r srt.Refusal) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refused = append(l.refused, r)
	}
	var err error
	if l.Listener, err = srt.Listen(address, cfg); err != nil {
		tb.Fatal(err)
	}
	l.addr = netip.MustParseAddrPort(l.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- l.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			tb.Errorf("Run: %v", err)
		}
		if text := l.log.String(); strings.Contains(text, "fault") {
			tb.Error(text)
		}
	})
	return l
}

// refusals are those of so far.
func (l *listener) refusals() []srt.Refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]srt.Refusal(nil), l.refused...)
}

// request waits for a caller.
func (l *listener) request(tb testing.TB) *srt.Request {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := l.Accept(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// accept waits for a caller and takes it in.
func (l *listener) accept(tb testing.TB, passphrase string) *srt.Conn {
	tb.Helper()
	r := l.request(tb)
	if passphrase != "" {
		if err := r.SetPassphrase(passphrase); err != nil {
			tb.Fatal(err)
		}
	}
	c, err := r.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// inbox takes what a connection hands on.
type inbox struct {
	conn *srt.Conn
	done chan struct{}

	mu       sync.Mutex
	payloads []string
	at       []time.Time
	changed  chan struct{} // Closed and replaced at each payload.
	err      error
}

func receiveAll(tb testing.TB, c *srt.Conn) *inbox {
	tb.Helper()
	in := &inbox{conn: c, done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(in.done)
		err := c.Receive(func(payload []byte) error {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.payloads = append(in.payloads, string(payload))
			in.at = append(in.at, time.Now())
			close(in.changed)
			in.changed = make(chan struct{})
			return nil
		})
		in.mu.Lock()
		in.err = err
		in.mu.Unlock()
	}()
	tb.Cleanup(func() {
		c.Close()
		<-in.done
	})
	return in
}

// wait waits until n payloads are there.
func (in *inbox) wait(tb testing.TB, n int) []string {
	tb.Helper()
	deadline := time.After(20 * time.Second)
	for {
		in.mu.Lock()
		got, changed := in.payloads, in.changed
		in.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-changed:
		case <-deadline:
			tb.Fatalf("%d payloads, want %d; statistics %+v", len(got), n, in.conn.Stats())
		}
	}
}

// end waits until Receive has returned.
func (in *inbox) end(tb testing.TB) error {
	tb.Helper()
	select {
	case <-in.done:
	case <-time.After(20 * time.Second):
		tb.Fatal("the connection does not end")
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

// numbered is a payload of seven transport packets that tells its number.
func numbered(n int) []byte {
	b := make([]byte, 7*188)
	binary.BigEndian.PutUint32(b, uint32(n))
	for i := 4; i < len(b); i++ {
		b[i] = byte(n + i)
	}
	return b
}

func checkNumbered(tb testing.TB, payloads []string) {
	tb.Helper()
	for i, p := range payloads {
		if p != string(numbered(i)) {
			tb.Fatalf("payload %d is number %d", i, binary.BigEndian.Uint32([]byte(p)))
		}
	}
}

// dial calls the listener with gosrt; wait gives the connection when the listener
// has taken the call.
func (l *listener) dial(tb testing.TB, change func(*gosrt.Config)) (wait func() gosrt.Conn) {
	tb.Helper()
	type result struct {
		conn gosrt.Conn
		err  error
	}
	dialed := make(chan result, 1)
	go func() {
		c, err := l.tryDial(change)
		dialed <- result{c, err}
	}()
	return func() gosrt.Conn {
		tb.Helper()
		r := <-dialed
		if r.err != nil {
			tb.Fatal(r.err)
		}
		tb.Cleanup(func() { _ = r.conn.Close() })
		return r.conn
	}
}

func (l *listener) tryDial(change func(*gosrt.Config)) (gosrt.Conn, error) {
	cfg := gosrt.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	return gosrt.Dial("srt", l.addr.String(), cfg)
}

// push sends numbered payloads at about 10 Mbit/s.
func push(tb testing.TB, c gosrt.Conn, count int) {
	tb.Helper()
	for n := range count {
		if _, err := c.Write(numbered(n)); err != nil {
			tb.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// program starts a foreign program that is ended with the test.
func program(tb testing.TB, name string, args ...string) {
	tb.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	out := &logbook{}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if tb.Failed() {
			tb.Logf("%s: %s", name, out)
		}
	})
}

func (l *listener) url(query string) string { return fmt.Sprintf("srt://%s?%s", l.addr, query) }
