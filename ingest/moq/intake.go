package moq

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// protocol is the name of this door in metrics.
const protocol = "moq"

// Config configures an Intake. Relay and Sessions are required.
type Config struct {
	Relay    *relay.Relay
	Sessions *ingest.Sessions
	// Window is how far back media stays in the log.
	Window time.Duration
	// StreamKey, if set, signs what is packaged here.
	StreamKey ed25519.PrivateKey
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Intake implements moqt.Publishers.
type Intake struct {
	// Set by New, then read-only.
	cfg       Config
	log       *slog.Logger
	malformed *prometheus.CounterVec
}

var _ moqt.Publishers = (*Intake)(nil)

// New makes an Intake.
func New(cfg Config) *Intake {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Intake{
		cfg: cfg,
		log: cfg.Logger,
		malformed: promauto.With(cfg.Registerer).NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_ingest_moq_malformed_total",
			Help: "Objects of CMAF tracks that were left out because they break a rule.",
		}, []string{"rule"}),
	}
}

// Announce implements moqt.Publishers: the name is the peer's while it lasts, and
// the broadcast stays for the hold window.
func (i *Intake) Announce(ctx context.Context, p *moqt.Publisher) error {
	name := string(p.Namespace())
	session, err := i.cfg.Sessions.Open(ctx, ingest.Request{
		Name: name, Protocol: protocol, Remote: p.RemoteAddr().String(), Token: p.Token(),
		NewSink: func(string) (ingest.HeldSink, error) { return newBroadcast(i, p.Namespace()) },
	})
	if err != nil {
		i.log.Info("publisher refused", "broadcast", name, "remote", p.RemoteAddr().String(), "error", err)
		return refusal(err)
	}
	b, ok := session.Sink().(*broadcast)
	if !ok {
		session.Close()
		return errors.New("the broadcast is fed in another way")
	}
	if err := session.Begin(0); err != nil {
		session.Close()
		return refusal(err)
	}
	i.log.Info("publisher accepted", "broadcast", name, "remote", p.RemoteAddr().String(), "protocol", p.Protocol())
	b.feed(p, session)
	context.AfterFunc(p.Context(), func() { i.left(b, p, session) })
	b.tasks.Go(func() { b.watch(p, session) })
	return nil
}

// Offer implements moqt.Publishers: all that a publisher pushes is wanted.
func (i *Intake) Offer(p *moqt.Publisher, track string) {
	if b, ok := i.cfg.Relay.Broadcast(p.Namespace()); ok && b.Remote() {
		d := b.Demand(track)
		context.AfterFunc(p.Context(), d.Release)
	}
}

func (i *Intake) left(b *broadcast, p *moqt.Publisher, session *ingest.Session) {
	b.unfeed(session)
	session.Close()
	i.log.Info("publisher gone", "broadcast", string(p.Namespace()), "remote", p.RemoteAddr().String(),
		"reason", context.Cause(p.Context()).Error())
}

// refusal gives the code that tells a peer why it may not publish.
func refusal(err error) error {
	code := wire.RequestUnauthorized
	switch {
	case errors.Is(err, ingest.ErrExpired):
		code = wire.RequestExpiredToken
	case errors.Is(err, ingest.ErrAlreadyPublishing):
		// The drafts have none for a name in use.
		code = wire.RequestUninterested
	case errors.Is(err, ingest.ErrDraining):
		code = wire.RequestGoingAway
	case errors.Is(err, ingest.ErrBadName):
		code = wire.RequestDoesNotExist
	}
	return &moqt.RequestError{Code: code, Reason: err.Error()}
}
