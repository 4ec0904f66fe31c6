package sweep

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/proc"
	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/transport/moqt"
)

// server is what is measured.
type server struct {
	name    string
	pid     int
	url     string // Where viewers open sessions.
	bare    bool   // It has nothing to be asked for.
	foreign bool
	publish string // Where encoders push to, for LL-HLS.
	process *rig.Process
}

// alive tells of a server that has ended.
func (s *server) alive() error {
	if s.process != nil {
		select {
		case <-s.process.Done():
			return errors.Join(fmt.Errorf("the server ended:\n%s", s.process.Output()), s.process.Err())
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
	err := s.process.Stop(endWithin)
	if s.foreign {
		return nil // It may drain for longer, and was killed.
	}
	return err
}

// endWithin is for a server to end by itself.
const endWithin = 5 * time.Second

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
	// Line is the command line of a Command, for the shell; "{feed}" in it stands for
	// the address of the publisher, and the server is not published to then. PID is
	// that of a Running one.
	Line string
	PID  int
	// URL is where viewers go, of those two; Publish where broadcasts are published,
	// if that is elsewhere.
	URL, Publish string
	// RawQUIC has viewers of Ours come over raw QUIC instead of WebTransport.
	RawQUIC bool
	// HLS has viewers follow LL-HLS. Ours is `freshet serve` then, and encoders push to
	// it, or to Publish of a foreign one; "{n}" in Publish and URL is the broadcast.
	HLS bool
}

// Check says what does not go together.
func (t Target) Check() error {
	foreign := t.Kind == Command || t.Kind == Running
	if t.HLS {
		if err := t.checkHLS(foreign); err != nil {
			return err
		}
	}
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
		s, err = t.startCommand(ctx, dir, f)
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
	if t.Kind == Running || t.Kind == Command && !strings.Contains(t.Line, feedMark) {
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

// feedMark stands for the publisher's address in a command line.
const feedMark = "{feed}"

func (t Target) startCommand(ctx context.Context, dir string, f *feed) (*server, error) {
	line := t.Line
	if strings.Contains(line, feedMark) {
		address, err := f.address()
		if err != nil {
			return nil, err
		}
		line = strings.ReplaceAll(line, feedMark, address)
	}
	s, err := t.startLine(ctx, line, dir)
	if err != nil {
		return nil, err
	}
	s.url = t.URL
	if strings.Contains(t.Line, feedMark) { // Nobody publishes to it, which would wait for it.
		if err := s.answers(ctx); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// startLine starts a command line.
func (t Target) startLine(ctx context.Context, line, dir string) (*server, error) {
	// The shell becomes the server, so that what ends the one ends the other.
	line = "exec " + strings.TrimPrefix(line, "exec ")
	p, err := rig.Command{Name: "server", Path: "/bin/sh", Args: []string{"-c", line}, Dir: dir}.Start(ctx)
	if err != nil {
		return nil, err
	}
	return &server{name: t.Line, pid: p.PID(), process: p, foreign: true}, nil
}

// answers waits until viewers can connect.
func (s *server) answers(ctx context.Context) error {
	u, err := url.Parse(s.url)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(startWithin); ; {
		trying, cancel := context.WithTimeout(ctx, time.Second)
		client, err := dial(trying, ctx, u, moqt.ClientConfig{})
		cancel()
		switch {
		case err == nil:
			_ = client.Close() // It has answered.
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(deadline):
			return fmt.Errorf("the server does not answer at %s: %w", s.url, err)
		}
		if err := errors.Join(s.alive(), sleep(ctx, 100*time.Millisecond)); err != nil {
			return err
		}
	}
}

// startWithin is how long a foreign server may take until it can be published to.
const startWithin = 20 * time.Second

// publish tries until a foreign server takes the broadcasts.
func (t Target) publish(ctx context.Context, s *server, f *feed) error {
	to := t.Publish
	if to == "" {
		to = t.URL
	}
	for deadline := time.Now().Add(startWithin); ; {
		trying, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := f.publishTo(trying, to)
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
