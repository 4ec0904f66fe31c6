package moqt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// ClientConfig configures a Client. The zero value is ready to use.
type ClientConfig struct {
	Logger *slog.Logger
	// Path and Authority are those of the moqt URI, for raw QUIC only
	// ("SETUP", PATH and AUTHORITY).
	Path      string
	Authority string
	// AuthToken, if set, is shown in SETUP.
	AuthToken string
	// Relay, if set, holds what this side publishes: the server's requests are
	// answered from it.
	Relay *relay.Relay
	// OnGoaway, if set, is told once that the server wants the session to
	// leave, to uri unless that is empty.
	OnGoaway func(uri string, timeout time.Duration)
	// Limits bound what the server can ask of this side.
	Limits Limits
	// Extensions are named in SETUP.
	Extensions []ClientExtension
}

// Client is the subscriber's end of a session.
type Client struct {
	s *session
}

// Object is what a subscription or a fetch delivers. Either it is an object, or
// End is set and it tells how the stream of a group ended: with Reset nil the
// group is complete from the first object that was delivered on.
type Object struct {
	Location relay.Location
	// Subgroup is the Subgroup ID, unless Datagram says that there is none.
	Subgroup uint64
	Datagram bool
	// Priority is the publisher's.
	Priority uint8
	// Status is StatusNormal but with SubscribeOptions.Statuses.
	Status     relay.Status
	Properties []relay.Property
	// Payload belongs to the receiver.
	Payload []byte
	// Arrival is when the last byte was read.
	Arrival time.Time

	End   bool
	Reset error

	unknown bool // A mark: nothing is known of what was before.
}

// RequestError is a request that the peer refused.
type RequestError struct {
	Code   wire.RequestCode
	Reason string
	// RetryAfter says when to try again; negative is never.
	RetryAfter time.Duration
}

func (e *RequestError) Error() string {
	return fmt.Sprintf("request refused: %s (code %#x): %s", e.Code, uint64(e.Code), e.Reason)
}

// DoneError is why a publisher ended a subscription.
type DoneError struct {
	Code   wire.DoneCode
	Reason string
}

func (e *DoneError) Error() string {
	return fmt.Sprintf("subscription ended with code %#x: %s", uint64(e.Code), e.Reason)
}

// ErrGoingAway refuses a new request after the server's GOAWAY.
var ErrGoingAway = errors.New("session is going away")

// NewClient sets a session up over conn and returns when both sides have sent
// SETUP. The session ends with Close, with ctx, or with conn.
func NewClient(ctx context.Context, conn Conn, cfg ClientConfig) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Relay == nil {
		cfg.Relay = relay.New(relay.Config{})
	}
	env := environment{
		relay:    cfg.Relay,
		log:      cfg.Logger,
		metrics:  newMetrics(nil),
		framing:  new(framing),
		stalls:   &stalls{limit: DefaultMaxLag},
		final:    notReplaced,
		maxLag:   DefaultMaxLag,
		limits:   cfg.Limits.withDefaults(),
		onGoaway: cfg.OnGoaway,
		sent:     new(atomic.Int64),
	}
	for _, e := range cfg.Extensions {
		env.extensions = append(env.extensions, extension{Extension: e.Extension, receive: e.Receive})
	}
	s, err := newSession(ctx, conn, roleClient, env)
	if err != nil {
		return nil, err
	}
	s.options = append(clientOptions(s.d, cfg), extensionOptions(s.extensions)...)
	s.start()
	if !s.awaitSetup() {
		return nil, fmt.Errorf("set up session: %w", s.finish())
	}
	return &Client{s: s}, nil
}

func clientOptions(d *wire.Dialect, cfg ClientConfig) wire.KeyValues {
	var o wire.KeyValues
	add := func(t uint64, v string) {
		if v != "" {
			o = append(o, wire.KeyValue{Type: t, Bytes: []byte(v)})
		}
	}
	add(wire.OptionPath, cfg.Path)
	add(wire.OptionAuthority, cfg.Authority)
	if cfg.AuthToken != "" {
		t := wire.Token{AliasType: wire.TokenUseValue, Value: []byte(cfg.AuthToken)}
		add(wire.OptionAuthToken, string(d.AppendToken(nil, t)))
	}
	return o
}

// Close ends the session in good order and waits for its goroutines.
func (c *Client) Close() error {
	c.s.fail(ErrSessionClosed)
	if err := c.s.finish(); !errors.Is(err, ErrSessionClosed) {
		return err
	}
	return nil
}

// Done is closed when the session has ended, for Err to say why.
func (c *Client) Done() <-chan struct{} { return c.s.ctx.Done() }

// Err is nil while the session lives.
func (c *Client) Err() error { return context.Cause(c.s.ctx) }

// Serving is how many of the peer's subscriptions are being delivered. A publisher that
// has ended its tracks may leave when there is none: till then objects wait.
func (c *Client) Serving() int {
	in := &c.s.incoming
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.subscriptions)
}

// Draft is the number of the draft that is spoken.
func (c *Client) Draft() int { return c.s.d.Draft }

// Status is what a publisher says of a track.
type Status struct {
	// Largest is the newest object's location, if there is one.
	Largest *relay.Location
}

// TrackStatus asks for the state of a track.
func (c *Client) TrackStatus(ctx context.Context, ns relay.Namespace, track string) (Status, error) {
	cl, err := c.s.call(ctx, &wire.TrackStatus{Track: trackName(ns, track)})
	if err != nil {
		return Status{}, err
	}
	defer cl.cancel()
	m, err := cl.await(ctx)
	if err != nil {
		return Status{}, err
	}
	ok, is := m.(*wire.RequestOK)
	if !is {
		return Status{}, c.s.unexpected(m)
	}
	return Status{Largest: ok.Params.Largest}, nil
}

func trackName(ns relay.Namespace, track string) wire.TrackName {
	return wire.TrackName{Namespace: fields(ns), Name: track}
}

// fields is the tuple of a namespace or prefix; the empty one has none.
func fields(ns relay.Namespace) []string {
	if ns == "" {
		return nil
	}
	return ns.Fields()
}

func namespaceOf(fields []string) relay.Namespace {
	return relay.Namespace(strings.Join(fields, "/"))
}
