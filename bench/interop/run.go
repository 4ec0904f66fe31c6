package interop

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// Target is the relay that is tested, or a chain of relays.
type Target struct {
	// Publish and Subscribe are where publishers and subscribers connect to:
	// https://host:port/path or moqt://host:port.
	Publish, Subscribe string
	// Dial connects to one of them.
	Dial func(ctx context.Context, url string) (moqt.Conn, error)
	// Token, if set, is shown in SETUP.
	Token string
	// Verbose adds comments of what was seen.
	Verbose bool
}

// Case is one test.
type Case struct {
	Name string
	// About says what a relay has to do, in one line.
	About string
	// Within is the time for all of it.
	Within time.Duration
	// Namespace is fixed for the cases of the runner; the others get one of their
	// own.
	Namespace relay.Namespace

	run func(*env) error
}

// Cases lists all cases, those of the runner first.
func Cases() []Case {
	return slices.Concat(controlCases, objectCases, endCases, subscribeCases, fetchCases)
}

// Find gives a case by name.
func Find(name string) (Case, bool) {
	for _, c := range Cases() {
		if c.Name == name {
			return c, true
		}
	}
	return Case{}, false
}

// dataWithin is the time of the cases that the runner does not have.
const dataWithin = 5 * time.Second

// Run runs cases one after the other, writes what came of them to w as TAP version
// 14, and gives the number of those that failed.
func Run(ctx context.Context, w io.Writer, t Target, cases []Case) (failed int) {
	fmt.Fprintf(w, "TAP version 14\n# freshet interop\n# Relay: %s\n", t.Publish)
	if t.Subscribe != t.Publish {
		fmt.Fprintf(w, "# Subscribers at: %s\n", t.Subscribe)
	}
	fmt.Fprintf(w, "1..%d\n", len(cases))
	for i, c := range cases {
		e := &env{target: &t}
		start := time.Now()
		err := e.try(ctx, c)
		report(w, i+1, c, e, time.Since(start), err)
		if err != nil {
			failed++
		}
	}
	return failed
}

// report writes one test point with its diagnostics.
func report(w io.Writer, n int, c Case, e *env, took time.Duration, err error) {
	verdict := "ok"
	if err != nil {
		verdict = "not ok"
	}
	fmt.Fprintf(w, "%s %d - %s\n  ---\n  duration_ms: %d\n", verdict, n, c.Name, took.Milliseconds())
	if e.draft != 0 {
		fmt.Fprintf(w, "  draft: %d\n", e.draft)
	}
	if err != nil {
		fmt.Fprintf(w, "  expected: %q\n  message: %q\n", c.About, err.Error())
	}
	fmt.Fprint(w, "  ...\n")
	if e.target.Verbose {
		for _, note := range e.notes {
			fmt.Fprintf(w, "# %s\n", note)
		}
	}
}

// try runs a case within its time and closes its sessions.
func (e *env) try(ctx context.Context, c Case) error {
	var cancel context.CancelFunc
	e.ctx, cancel = context.WithTimeoutCause(ctx, c.Within, fmt.Errorf("timeout after %s", c.Within))
	defer cancel()
	if e.ns = c.Namespace; e.ns == "" {
		e.ns = relay.Namespace("moq-test/" + strings.ToLower(rand.Text()[:8]) + "/" + c.Name)
	}
	err := c.run(e)
	for _, c := range slices.Backward(e.clients) {
		if closing := c.Close(); err == nil && closing != nil {
			err = fmt.Errorf("close: %w", closing)
		}
	}
	return err
}

// env is what one run of a case works with.
type env struct {
	target  *Target
	ctx     context.Context // The life of the case.
	ns      relay.Namespace
	clients []*moqt.Client
	draft   int
	notes   []string
}

func (e *env) note(format string, args ...any) {
	e.notes = append(e.notes, fmt.Sprintf(format, args...))
}

// dial sets a session up; r holds what it publishes and may be nil.
func (e *env) dial(rawURL string, r *relay.Relay) (*moqt.Client, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	conn, err := e.target.Dial(e.ctx, rawURL)
	if err != nil {
		return nil, err
	}
	cfg := moqt.ClientConfig{Relay: r, AuthToken: e.target.Token}
	if u.Scheme == "moqt" {
		cfg.Authority, cfg.Path = u.Host, u.RequestURI()
	}
	// The session outlives the case's time, to be closed in good order.
	c, err := moqt.NewClient(context.WithoutCancel(e.ctx), conn, cfg)
	if err != nil {
		return nil, err
	}
	e.draft = c.Draft()
	e.clients = append(e.clients, c)
	return c, nil
}

func (e *env) publisher(r *relay.Relay) (*moqt.Client, error) { return e.dial(e.target.Publish, r) }
func (e *env) subscriber() (*moqt.Client, error)              { return e.dial(e.target.Subscribe, nil) }

// pause waits for a while of the case's time.
func (e *env) pause(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-e.ctx.Done():
		return context.Cause(e.ctx)
	}
}
