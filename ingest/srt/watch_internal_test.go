package srt

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// fakeConn is a connection of which only the statistics matter.
type fakeConn struct {
	gosrt.Conn

	stats  gosrt.Statistics
	closed bool
}

func (c *fakeConn) SocketId() uint32          { return 7 } //nolint:revive // gosrt's name.
func (c *fakeConn) Stats(s *gosrt.Statistics) { *s = c.stats }
func (c *fakeConn) Close() error              { c.closed = true; return nil }

type noSink struct{ ingest.HeldSink }

func (noSink) Close(error) {}

// watched is a connection with a fake socket, and what it logs.
func watched(t *testing.T) (*watcher, *fakeConn, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sessions := ingest.NewSessions(ingest.Config{NewSink: func(string) (ingest.HeldSink, error) { return noSink{}, nil }})
	t.Cleanup(sessions.Close)
	session, err := sessions.Open(t.Context(), ingest.Request{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics(nil)
	l := &Listener{metrics: m, events: newEvents(logger, m)}
	c := &connection{listener: l, log: logger, session: session, demuxer: mpegts.New(mpegts.Config{Sink: session})}
	conn := &fakeConn{}
	c.attach(conn)
	return &watcher{connection: c, heard: c.opened, reported: c.opened}, conn, log
}

func TestSilenceIsLoggedOnce(t *testing.T) {
	w, conn, log := watched(t)
	at := func(ms int, packets uint64) {
		conn.stats.Accumulated.PktRecv = packets
		w.look(w.opened.Add(time.Duration(ms) * time.Millisecond))
	}
	at(200, 10)
	at(1100, 10)
	if log.Len() > 0 {
		t.Errorf("after 900 ms: %s", log)
	}
	at(1300, 10)
	at(1500, 10)
	if n := strings.Count(log.String(), "is silent"); n != 1 {
		t.Errorf("%d lines: %s", n, log)
	}
	at(1700, 11)
	if n := strings.Count(log.String(), "sends again"); n != 1 {
		t.Errorf("%d lines: %s", n, log)
	}
	at(10_000, 12)
	if n := strings.Count(log.String(), "srt statistics"); n != 1 {
		t.Errorf("%d reports: %s", n, log)
	}
}

func TestBufferThatGrowsEndsTheConnection(t *testing.T) {
	w, conn, _ := watched(t)
	conn.stats.Instantaneous.ByteRecvBuf = maxBuffered
	w.look(time.Now())
	if conn.closed {
		t.Fatal("closed within the limit")
	}
	conn.stats.Instantaneous.ByteRecvBuf++
	w.look(time.Now())
	if !conn.closed {
		t.Error("not closed")
	}
	if reason := w.reason(t.Context(), errSocket); !errors.Is(reason, errBuffered) || endName(reason) != "buffer_overflow" {
		t.Errorf("ended with %v", reason)
	}
}

func TestFollowCountsGaps(t *testing.T) {
	tests := []struct {
		name      string
		sequences []uint32
		want      uint64
	}{
		{"in order", []uint32{5, 6, 7}, 0},
		{"gap", []uint32{5, 9}, 3},
		{"wrap", []uint32{1<<31 - 1, 0, 2}, 1},
		{"back", []uint32{5, 6, 2, 3}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c connection
			for _, s := range tt.sequences {
				c.follow(s)
			}
			if got := c.lost.Load(); got != tt.want {
				t.Errorf("%d lost, want %d", got, tt.want)
			}
		})
	}
}

// What gosrt says in its log is counted, and floods are not repeated.
func TestEvents(t *testing.T) {
	_, _, log := watched(t)
	reg := prometheus.NewRegistry()
	m := newMetrics(reg)
	e := newEvents(slog.New(slog.NewTextHandler(log, nil)), m)
	say := func(topic, text string) { e.Print(topic, 7, 0, func() string { return text }) }
	for range 100 {
		say("handshake:recv:error", "invalid SYN cookie")
	}
	if n := strings.Count(log.String(), "srt handshake refused"); n != 1 || e.withheld != 99 {
		t.Errorf("%d lines, %d withheld", n, e.withheld)
	}
	say("connection:error", "network queue is full")
	say("connection:error", "readQueue was blocking, dropping packet")
	say("connection:error", "recv lost packets. got: 7, expected: 6 (1)")
	say("listen", "receive queue is full")
	say("listen", "closing socket")
	if n := gathered(t, reg, "freshet_srt_queue_drops_total"); n != 3 {
		t.Errorf("%v queue drops", n)
	}
	e.watch(7)
	say("connection:close", "stopping peer idle timeout")
	say("connection:close", "no more data received from peer for 5s. shutting down")
	say("control:recv:shutdown:dump", "")
	if err := e.unwatch(7); !errors.Is(err, errPeerSilent) {
		t.Errorf("ended with %v; the first reason counts", err)
	}
	say("control:recv:shutdown:dump", "")
	if len(e.watched) != 0 {
		t.Errorf("remembers %v", e.watched)
	}
}

func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
