package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/freshet-live/freshet/auth"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// newGuard makes what decides at every door.
func (g *gateway) newGuard() (err error) {
	cfg := guardConfig(g.cfg.Auth)
	cfg.Logger, cfg.Registerer = g.log.With("part", "auth"), g.registry
	g.guard, err = auth.New(cfg)
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	if beyond := g.cfg.Beyond(); g.cfg.Auth.Closed() && len(beyond) > 0 {
		g.log.Warn("only this machine may publish and watch: set auth.keys or auth.jwks (tokens), auth.public (viewers) "+
			"or auth.open (everybody), see docs/authorisation.md", "listening", beyond)
	}
	return nil
}

func guardConfig(c configs.Auth) auth.Config {
	return auth.Config{
		Open: c.Open, KeyFile: c.Keys, KeyURL: c.JWKS, Audience: c.Audience, Public: c.Public,
		Relays: auth.Relays{CA: c.Relays.CA, Names: c.Relays.Names},
	}
}

// mayPublish is asked for every publisher, whatever the door.
func (g *gateway) mayPublish(ctx context.Context, r ingest.Request) (time.Time, error) {
	ask := g.guard.Admit
	if r.Protocol == "rtsp" && r.Token == "" {
		// Encoders come without credentials first, and show them when they are asked.
		ask = g.guard.Judge
	}
	grant, err := ask(ctx, auth.Request{
		Door: r.Protocol, Action: auth.Publish, Path: r.Name, Remote: r.Remote, Token: r.Token,
		Passphrase: r.Passphrase, OwnPassphrase: r.OwnPassphrase,
	})
	return grant.Expires, publishError(err)
}

// publishError puts a refusal into package ingest's words.
func publishError(err error) error {
	refused, ok := errors.AsType[*auth.Error](err)
	switch {
	case !ok:
		return err
	case refused.Forbidden():
		return fmt.Errorf("%w: %w", ingest.ErrForbidden, err)
	case refused.Reason == auth.Expired:
		return fmt.Errorf("%w: %w: %w", ingest.ErrUnauthorized, ingest.ErrExpired, err)
	}
	return fmt.Errorf("%w: %w", ingest.ErrUnauthorized, err)
}

// moqActions are what MoQ's requests come to.
var moqActions = map[moqt.Action]auth.Action{
	moqt.ActionSubscribe: auth.Subscribe,
	moqt.ActionFetch:     auth.Subscribe,
	moqt.ActionDiscover:  auth.Discover,
}

// mayAsk is asked for every request of a MoQ peer. Whether it may publish, mayPublish
// says.
func (g *gateway) mayAsk(ctx context.Context, r moqt.Request) (moqt.Grant, error) {
	action, ok := moqActions[r.Action]
	if !ok {
		return moqt.Grant{}, nil
	}
	grant, err := g.guard.Admit(ctx, auth.Request{
		Door: "moq", Action: action, Path: string(r.Namespace), Remote: r.Remote.String(),
		Token: r.Token, Certificates: r.Certificates,
	})
	if refused, ok := errors.AsType[*auth.Error](err); ok {
		code := wire.RequestUnauthorized
		if refused.Reason == auth.Expired {
			code = wire.RequestExpiredToken
		}
		return moqt.Grant{}, &moqt.RequestError{Code: code, Reason: refused.Text}
	}
	if r.First && action == auth.Subscribe && !belongsToRelays(r.Namespace) && g.full() {
		return moqt.Grant{}, &moqt.RequestError{Code: wire.RequestExcessiveLoad, Reason: "no room for new viewers", RetryAfter: retryWhenFull}
	}
	return moqt.Grant{Expires: grant.Expires, Visible: visible(grant), Relay: action == auth.Subscribe && belongsToRelays(r.Namespace)}, err
}

// retryWhenFull is when a viewer may ask again who is not let in.
const retryWhenFull = 10 * time.Second

// belongsToRelays tells whether a namespace is one of those with which relays begin,
// who are not turned away: many viewers are behind one.
func belongsToRelays(ns relay.Namespace) bool {
	return ns == uplink.Namespace || strings.HasPrefix(string(ns), string(uplink.Namespace)+"/")
}

func visible(g auth.Grant) func(relay.Namespace) bool {
	if g.Visible == nil {
		return nil
	}
	return func(ns relay.Namespace) bool { return g.Visible(string(ns)) }
}
