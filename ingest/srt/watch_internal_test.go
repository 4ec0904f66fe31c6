package srt

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	engine "github.com/freshet-live/freshet/transport/srt"
)

// fakeConn is a connection of which only the statistics and the end matter.
type fakeConn struct {
	transport

	stats engine.Stats
	ends  error
}

func (c *fakeConn) Stats() engine.Stats              { return c.stats }
func (c *fakeConn) Receive(func([]byte) error) error { return c.ends }

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
	return &c.watcher, conn, log
}

func TestSilenceIsLoggedOnce(t *testing.T) {
	w, conn, log := watched(t)
	at := func(ms int, packets uint64) {
		conn.stats.PktRecv = packets
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

// Why a connection ended is told by name.
func TestEnds(t *testing.T) {
	foreign := errors.New("full")
	tests := []struct {
		err  error
		name string
	}{
		{engine.ErrPeerClosed, "closed_by_encoder"},
		{engine.ErrPeerSilent, "silent"},
		{engine.ErrClosed, "connection_lost"},
		{engine.ErrFault, "connection_lost"},
		{fmt.Errorf("write: %w", mpegts.ErrNoSync), "not_a_transport_stream"},
		{foreign, "sink"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, conn, _ := watched(t)
			conn.ends = tt.err
			reason := w.reason(t.Context(), w.read(conn))
			if got := endName(reason); got != tt.name {
				t.Errorf("%v is %s", tt.err, got)
			}
		})
	}
}

func TestRefusedPacketsAreQueueDrops(t *testing.T) {
	w, conn, _ := watched(t)
	reg := prometheus.NewRegistry()
	w.listener.metrics = newMetrics(reg)
	conn.stats.PktRcvRefused = 3
	w.look(time.Now())
	w.look(time.Now())
	if n := gathered(t, reg, "freshet_srt_queue_drops_total"); n != 3 {
		t.Errorf("%v queue drops", n)
	}
}

// Handshakes that the engine refuses are counted, and floods are not repeated.
func TestEvents(t *testing.T) {
	_, _, log := watched(t)
	e := newEvents(slog.New(slog.NewTextHandler(log, nil)), newMetrics(nil))
	for range 100 {
		e.refused(engine.Refusal{Err: errors.New("the cookie is wrong")})
	}
	if n := strings.Count(log.String(), "srt handshake refused"); n != 1 || e.withheld != 99 {
		t.Errorf("%d lines, %d withheld", n, e.withheld)
	}
	for reason, err := range map[string]error{"handshake": errors.New("version"), "malformed": engine.ErrMalformed} {
		log.Reset()
		e.told = time.Time{}
		e.refused(engine.Refusal{Err: err})
		if !strings.Contains(log.String(), "reason="+reason) {
			t.Errorf("%v is told as %s", err, log)
		}
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
