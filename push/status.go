package push

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Link is what a connection says of itself; totals since it was made.
type Link struct {
	RTT time.Duration
	// Lost counts packets of the network that had to be sent again, or were not.
	Lost uint64
	// Retransmitted counts packets that were sent again; SRT alone tells.
	Retransmitted uint64
	// Dropped counts what was too late to be sent: packets of SRT, batches of QUIC.
	Dropped uint64
}

// plus adds the totals of an earlier connection.
func (l Link) plus(past Link) Link {
	l.Lost += past.Lost
	l.Retransmitted += past.Retransmitted
	l.Dropped += past.Dropped
	return l
}

// Status is what is known of a push, for people.
type Status struct {
	in, out     atomic.Uint64 // Bytes.
	attempts    atomic.Uint64
	connections atomic.Uint64

	mu   sync.Mutex
	link func() Link // Guarded by mu. Nil while there is no connection.
	past Link        // Guarded by mu. Totals of connections that ended.
}

// Snapshot is a push so far.
type Snapshot struct {
	BytesIn, BytesOut     uint64
	Attempts, Connections uint64
	Connected             bool
	// Link has the totals of all connections, and the round trip of the present one.
	Link Link
}

// Snapshot is safe for any goroutine.
func (s *Status) Snapshot() Snapshot {
	out := Snapshot{
		BytesIn: s.in.Load(), BytesOut: s.out.Load(), Attempts: s.attempts.Load(), Connections: s.connections.Load(),
	}
	s.mu.Lock()
	ask, past := s.link, s.past
	s.mu.Unlock()
	if ask != nil {
		out.Connected, out.Link = true, ask()
	}
	out.Link = out.Link.plus(past)
	return out
}

// sent counts bytes that were given to the network.
func (s *Status) sent(n int) { s.out.Add(uint64(n)) }

// countingReader counts what is read as sent.
type countingReader struct {
	io.Reader
	status *Status
}

func (r countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.status.sent(n)
	return n, err
}

// connected says where to ask from now on; disconnected that nobody is there.
func (s *Status) connected(link func() Link) {
	s.connections.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = link
}

func (s *Status) disconnected() {
	s.mu.Lock()
	ask := s.link
	s.link = nil
	s.mu.Unlock()
	if ask == nil {
		return
	}
	last := ask()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past = last.plus(s.past)
}

// lineEvery is how often a terminal is written to, logEvery a log.
const (
	lineEvery = time.Second
	logEvery  = 10 * time.Second
)

// look is the state between two lines.
type look struct {
	at      time.Time
	in, out uint64
}

// Reporter writes how it goes.
type Reporter struct {
	Status *Status
	Queue  *Queue
	// Terminal takes a line that is written over; nil for lines of the log.
	Terminal io.Writer
	Log      *slog.Logger

	last look
}

// Run reports until done is closed.
func (r *Reporter) Run(done <-chan struct{}) {
	every := logEvery
	if r.Terminal != nil {
		every = lineEvery
		defer fmt.Fprintln(r.Terminal)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	r.last.at = time.Now()
	for {
		select {
		case now := <-ticker.C:
			r.report(now)
		case <-done:
			return
		}
	}
}

func (r *Reporter) report(now time.Time) {
	s := r.Status
	next := look{now, s.in.Load(), s.out.Load()}
	seconds := now.Sub(r.last.at).Seconds()
	in := float64(next.in-r.last.in) * 8 / seconds / 1e6
	out := float64(next.out-r.last.out) * 8 / seconds / 1e6
	r.last = next
	s.mu.Lock()
	ask := s.link
	s.mu.Unlock()
	var link Link
	if ask != nil {
		link = ask()
	}
	age, dropped := r.Queue.Held()
	if r.Terminal == nil {
		r.Log.Info("push", "connected", ask != nil, "mbit_in", round(in), "mbit_out", round(out),
			"rtt", link.RTT.Round(100*time.Microsecond), "lost", link.Lost,
			"buffer", age.Round(time.Millisecond), "dropped", dropped, "attempts", s.attempts.Load())
		return
	}
	state := "connected"
	if ask == nil {
		state = "no connection"
	}
	fmt.Fprintf(r.Terminal, "\r\x1b[K%s  in %.2f Mbit/s  out %.2f Mbit/s  rtt %v  lost %d  buffer %v  dropped %d  attempts %d",
		state, in, out, link.RTT.Round(100*time.Microsecond), link.Lost, age.Round(time.Millisecond), dropped, s.attempts.Load())
}

func round(f float64) float64 { return float64(int(f*100+0.5)) / 100 }
