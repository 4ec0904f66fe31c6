package sweep

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/freshet-live/freshet/bench/proc"
	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/e2e/rig"
)

// server is what is measured.
type server struct {
	name    string
	pid     int
	url     string // Where viewers open sessions.
	bare    bool   // It has nothing to be asked for.
	process *rig.Process
}

// alive tells of a server that has ended.
func (s *server) alive() error {
	if s.process != nil {
		select {
		case <-s.process.Done():
			return fmt.Errorf("the server ended: %v\n%s", s.process.Err(), s.process.Output())
		default:
			return nil
		}
	}
	_, err := proc.Read(s.pid)
	return err
}

func (s *server) close() error {
	if s.process == nil {
		return nil
	}
	return s.process.Stop(10 * time.Second)
}

// Kind is what is measured.
type Kind string

// The kinds of servers.
const (
	Ours    Kind = "freshet" // `freshet relay` below a publisher in this process.
	Bare    Kind = "bare"    // bench/bare: the least that webtransport-go costs.
	Command Kind = "command" // Started by a command line, published to at a URL.
	Running Kind = "running" // Runs already.
)

// Target says which server, and how it is reached.
type Target struct {
	Kind Kind
	// Binary is this program, for Ours and Bare.
	Binary string
	// Line is the command line of a Command, for the shell; PID that of a Running one.
	Line string
	PID  int
	// URL is where viewers go, of those two; Publish where broadcasts are published,
	// if that is elsewhere.
	URL, Publish string
	// RawQUIC has viewers of Ours come over raw QUIC instead of WebTransport.
	RawQUIC bool
}

// Check says what does not go together.
func (t Target) Check() error {
	foreign := t.Kind == Command || t.Kind == Running
	if foreign && t.URL == "" {
		return errors.New("a foreign server needs a URL that viewers go to")
	}
	if t.Kind == Running {
		if _, err := proc.Read(t.PID); err != nil {
			return err
		}
	}
	return nil
}

// start starts the server for a load, or finds it, and has the feed on it.
func (t Target) start(ctx context.Context, dir string, f *feed, cpus int) (s *server, err error) {
	switch t.Kind {
	case Ours:
		s, err = t.startOurs(ctx, dir, f, cpus)
	case Bare:
		s, err = t.startBare(ctx, dir, f.load)
	case Command:
		s, err = t.startCommand(ctx, dir)
	case Running:
		s = &server{name: "pid " + strconv.Itoa(t.PID), pid: t.PID, url: t.URL}
	default:
		err = fmt.Errorf("%q is no kind of server", t.Kind)
	}
	if err != nil {
		return nil, err
	}
	if cpus > 0 {
		if err := pinTree(s.pid, 0, cpus); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if t.Kind == Command || t.Kind == Running {
		if err := t.publish(ctx, s, f); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (t Target) startOurs(ctx context.Context, dir string, f *feed, cpus int) (*server, error) {
	parent, err := f.address()
	if err != nil {
		return nil, err
	}
	config := rig.GatewayConfig{Binary: t.Binary, Dir: dir, Name: "server", Parents: []string{"moqt://" + parent}}
	if cpus > 0 {
		config.Env = []string{"GOMAXPROCS=" + strconv.Itoa(cpus)}
	}
	g, err := rig.StartGateway(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &server{name: string(Ours), pid: g.PID(), process: g.Process, url: g.HTTPS("/moq")}
	if t.RawQUIC {
		s.url = "moqt://" + g.QUIC()
	}
	return s, nil
}

func (t Target) startBare(ctx context.Context, dir string, l Load) (*server, error) {
	if l.Broadcasts > 1 || l.Loss > 0 || l.RTT > 0 {
		return nil, errors.New("the bare server has one broadcast, which it makes itself: no other dimension than viewers and bitrate")
	}
	p, url, err := steady.StartProgram(ctx, t.Binary, dir, "bench", "bare", "--kbits", strconv.Itoa(l.Kbits))
	if err != nil {
		return nil, err
	}
	return &server{name: string(Bare), pid: p.PID(), process: p, url: url, bare: true}, nil
}

func (t Target) startCommand(ctx context.Context, dir string) (*server, error) {
	p, err := rig.Command{Name: "server", Path: "/bin/sh", Args: []string{"-c", "exec " + t.Line}, Dir: dir}.Start(ctx)
	if err != nil {
		return nil, err
	}
	return &server{name: t.Line, pid: p.PID(), process: p, url: t.URL}, nil
}

// startWithin is how long a foreign server may take until it can be published to.
const startWithin = 20 * time.Second

// publish tries until a foreign server takes the broadcasts.
func (t Target) publish(ctx context.Context, s *server, f *feed) error {
	url := t.Publish
	if url == "" {
		url = t.URL
	}
	for deadline := time.Now().Add(startWithin); ; {
		trying, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := f.publishTo(trying, url)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(deadline):
			return err
		}
		if err := s.alive(); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}
