package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config configures a Guard. The zero value serves this machine alone.
type Config struct {
	// Open lets everybody publish and watch everything.
	Open bool
	// KeyFile has public keys in PEM, or a JWK Set; KeyURL is where a JWK Set is
	// fetched from. With either everybody has to show a token, on this machine, too.
	KeyFile, KeyURL string
	// Audience, if set, has to be among those that a token is for.
	Audience string
	// Public are paths that everybody may watch without a token, with all below them.
	Public []string
	Relays Relays

	// Transport fetches KeyURL; http.DefaultTransport when nil.
	Transport http.RoundTripper
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Guard decides. Its methods may be called by any goroutine.
type Guard struct {
	// Set by New, then read-only.
	cfg      Config
	log      *slog.Logger
	metrics  metrics
	keyed    bool
	public   prefixes
	verifier verifier
	relays   relays
	audit    pace

	files []*watched // Owned by New, then by Run.
}

// New makes a Guard and reads its files. A URL is fetched by Run: the issuer may be
// away, and what needs no token works meanwhile.
func New(cfg Config) (*Guard, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Guard{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer),
		keyed:    cfg.KeyFile != "" || cfg.KeyURL != "",
		verifier: verifier{keys: newRing(), audience: cfg.Audience},
		relays:   relays{names: cfg.Relays.Names},
	}
	for _, p := range cfg.Public {
		g.public = append(g.public, normalize(p))
	}
	if cfg.KeyFile != "" {
		g.files = append(g.files, &watched{path: cfg.KeyFile, apply: g.applyKeys})
	}
	if cfg.Relays.CA != "" {
		g.files = append(g.files, &watched{path: cfg.Relays.CA, apply: g.relays.apply})
	}
	for _, f := range g.files {
		if err := f.load(); err != nil {
			return nil, err
		}
	}
	if cfg.KeyURL != "" {
		g.verifier.remote = newRemote(cfg.KeyURL, cfg.Transport, g.verifier.keys.setURL, g.fetched)
	}
	return g, nil
}

func (g *Guard) applyKeys(text []byte) error {
	set, err := parseKeys(text)
	if err == nil {
		g.verifier.keys.setFile(set)
	}
	return err
}

// Request is what a peer asks for, and all that it showed.
type Request struct {
	// Door is the name of the protocol; it becomes a label of metrics.
	Door   string
	Action Action
	// Path is the broadcast, or what the broadcasts begin with for Discover.
	Path string
	// Remote is the peer's address with its port.
	Remote string
	// Forwarded says that Remote is not the peer itself but a proxy.
	Forwarded bool
	Token     string
	// Certificates are the peer's in TLS, not verified but for its having the key.
	Certificates []*x509.Certificate
	// Passphrase says that the peer knows the secret of its door that is for
	// everybody; OwnPassphrase that it knows the one of this path.
	Passphrase, OwnPassphrase bool
}

// Grant is what was granted.
type Grant struct {
	// Expires is when it ends; zero is never.
	Expires time.Time
	// Visible tells which broadcasts may be seen, for Discover.
	Visible func(path string) bool
	// ByToken says that the token made the difference.
	ByToken bool
}

// Admit decides, and notes what it refused. The error is an Error.
func (g *Guard) Admit(ctx context.Context, r Request) (Grant, error) {
	grant, err := g.Judge(ctx, r)
	switch {
	case err != nil:
		g.Refused(r, err)
	case r.Action == Publish:
		g.log.Info("publishing granted", "door", r.Door, "path", r.Path, "remote", r.Remote, "expires", grant.Expires)
	}
	return grant, err
}

// Judge decides, as Admit does, and notes nothing: for a door that may ask twice.
func (g *Guard) Judge(ctx context.Context, r Request) (Grant, error) {
	switch {
	case g.cfg.Open:
		return Grant{Visible: everything}, nil
	case r.Action == Publish && (r.OwnPassphrase || r.Passphrase && !g.keyed):
		return Grant{}, nil
	case r.Action != Publish && len(r.Certificates) > 0:
		if until, err := g.relays.verify(r.Certificates, time.Now()); err == nil {
			return Grant{Expires: until, Visible: everything}, nil
		}
	}
	if r.Action == Subscribe && g.public.allow(r.Action, r.Path) {
		return Grant{}, nil
	}
	grant, err := g.judgeToken(ctx, r)
	if err != nil && r.Action == Discover && g.public.allow(r.Action, r.Path) {
		return Grant{Visible: g.visible(nil)}, nil
	}
	return grant, err
}

func everything(string) bool { return true }

// visible is what is public, and what the claims show beyond.
func (g *Guard) visible(c *Claims) func(string) bool {
	granted := g.public
	if c != nil {
		granted = append(c.prefixes(Discover), granted...)
	}
	return func(path string) bool { return granted.allow(Subscribe, path) }
}

// judgeToken decides by the token, or by the address where there are no keys.
func (g *Guard) judgeToken(ctx context.Context, r Request) (Grant, error) {
	if !g.keyed {
		if !r.Forwarded && loopback(r.Remote) {
			return Grant{Visible: everything}, nil
		}
		return Grant{}, &Error{NotOpen, notOpen}
	}
	if r.Token == "" {
		return Grant{}, &Error{NoToken, "a token is needed"}
	}
	claims, err := g.verifier.verify(ctx, r.Token)
	if err != nil {
		return Grant{}, err
	}
	if err := claims.Allow(r.Action, r.Path); err != nil {
		return Grant{}, err
	}
	return Grant{Expires: claims.ExpiresAt.Time, Visible: g.visible(claims), ByToken: true}, nil
}

// notOpen tells a newcomer what to do; it names no secret.
const notOpen = "this gateway serves only its own machine until its configuration says whom else: " +
	"auth.keys or auth.jwks (tokens), auth.public (viewers), auth.open: true (everybody); see docs/authorisation.md"

// loopback tells whether an address is of this machine.
func loopback(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// lookEvery is how often files are looked at: a change counts after two looks.
const lookEvery = time.Second

// Run keeps keys and certificates up to date until ctx ends.
func (g *Guard) Run(ctx context.Context) error {
	if r := g.verifier.remote; r != nil {
		done := make(chan struct{})
		go func() { defer close(done); r.run(ctx) }()
		defer func() { <-done }()
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, f := range g.files {
				if changed, err := f.look(); changed {
					g.loaded(f.path, err)
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Refused notes what Judge refused and the peer was told: it counts, and writes a line
// for the audit unless there are too many.
func (g *Guard) Refused(r Request, err error) {
	reason := Malformed
	if refused, ok := errors.AsType[*Error](err); ok {
		reason = refused.Reason
	}
	g.metrics.refused.WithLabelValues(r.Door, string(reason)).Inc()
	if left, ok := g.audit.take(time.Now()); ok {
		g.log.Warn("refused", "door", r.Door, "action", string(r.Action), "path", fmt.Sprintf("%.255s", r.Path),
			"remote", r.Remote, "reason", string(reason), "error", err, "left_out", left)
	}
}
