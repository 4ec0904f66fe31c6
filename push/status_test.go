package push

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// reported is what a reporter has written after some time of a push at 1 Mbit/s in,
// half of it out.
func reported(t *testing.T, link func() Link, terminal bool) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		s, q := &Status{}, NewQueue(time.Second)
		r := Reporter{Status: s, Queue: q, Log: slog.New(slog.NewTextHandler(&out, nil))}
		if terminal {
			r.Terminal = &out
		}
		if link != nil {
			s.connected(link)
		}
		s.attempts.Add(3)
		s.in.Add(1250e3)
		s.sent(625e3)
		q.Put(packets(7, 1))
		done := make(chan struct{})
		ended := make(chan struct{})
		go func() { r.Run(done); close(ended) }()
		time.Sleep(logEvery + time.Millisecond)
		close(done)
		<-ended
	})
	return out.String()
}

func TestReporter(t *testing.T) {
	link := func() Link { return Link{RTT: 12345 * time.Microsecond, Lost: 7} }
	log := reported(t, link, false)
	for _, want := range []string{
		"connected=true", "mbit_in=1 ", "mbit_out=0.5 ", "rtt=12.3ms", "lost=7", "buffer=10s", "dropped=0", "attempts=3",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in %s", want, log)
		}
	}
	if n := strings.Count(log, "\n"); n != 1 {
		t.Errorf("%d lines in ten seconds", n)
	}
	line := reported(t, nil, true)
	if n := strings.Count(line, "\r\x1b[K"); n != 10 || strings.Count(line, "\n") != 1 {
		t.Errorf("written over %d times: %q", n, line)
	}
	for _, want := range []string{"no connection", "in 10.00 Mbit/s", "out 5.00 Mbit/s", "buffer 10s"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %q", want, line)
		}
	}
}
