package moqt

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Queried is a Conn that knows the query of the URL it was asked for: a
// WebTransport session.
type Queried interface {
	Query() url.Values
}

// Certified is a Conn that knows the certificates that the peer showed in TLS, its
// own first.
type Certified interface {
	PeerCertificates() []*x509.Certificate
}

// authorized asks the hook and refuses the request if it must. What is granted for
// a while ends with it.
func (x *exchange) authorized(a Action, ns relay.Namespace) (Grant, bool) {
	grant, err := x.s.grant(x.ctx, a, ns, x.token)
	if err != nil {
		if refused, ok := errors.AsType[*RequestError](err); ok {
			x.refuseFor(refused.Code, refused.Reason, refused.RetryAfter)
		} else {
			x.refuse(wire.RequestUnauthorized, err.Error())
		}
		return Grant{}, false
	}
	if !grant.Expires.IsZero() {
		timer := time.AfterFunc(time.Until(grant.Expires), x.expire)
		context.AfterFunc(x.ctx, func() { timer.Stop() })
	}
	return grant, true
}

// grant asks the hook.
func (s *session) grant(ctx context.Context, a Action, ns relay.Namespace, token string) (Grant, error) {
	if s.authorize == nil {
		return Grant{}, nil
	}
	r := Request{Action: a, Namespace: ns, Token: token, Remote: s.conn.RemoteAddr(), First: !s.granted.Load()}
	if c, ok := s.conn.(Certified); ok {
		r.Certificates = c.PeerCertificates()
	}
	grant, err := s.authorize(ctx, r)
	if err == nil && (a == ActionSubscribe || a == ActionFetch) {
		s.granted.Store(true)
	}
	if err == nil && grant.Relay {
		s.relaying.Store(true)
	}
	return grant, err
}

// expire ends the request because what granted it has run out.
func (x *exchange) expire() {
	x.expired.Store(true)
	x.cancel()
}

// takeToken finds what the peer shows for its right to make the request: with it,
// with SETUP, or in the URL. false means that the request was refused.
func (x *exchange) takeToken(m wire.Message) bool {
	x.token = x.s.sessionToken()
	for _, b := range tokensOf(m) {
		t, err := x.s.d.ParseToken(b)
		switch {
		case err != nil:
			x.s.fail(err)
			return false
		case t.AliasType == wire.TokenRegister:
			// We granted no cache (MAX_AUTH_TOKEN_CACHE_SIZE).
			x.s.fail(&wire.Error{Code: wire.AuthTokenCacheOverflow, Reason: "no token cache"})
			return false
		case t.AliasType != wire.TokenUseValue:
			x.s.fail(&wire.Error{Code: wire.UnknownAuthTokenAlias, Reason: "unknown token alias"})
			return false
		}
		x.token = string(t.Value)
	}
	return true
}

func tokensOf(m wire.Message) [][]byte {
	switch m := m.(type) {
	case *wire.Subscribe:
		return m.Params.AuthTokens
	case *wire.Publish:
		return m.Params.AuthTokens
	case *wire.Fetch:
		return m.Params.AuthTokens
	case *wire.TrackStatus:
		return m.Params.AuthTokens
	case *wire.PublishNamespace:
		return m.Params.AuthTokens
	case *wire.SubscribeNamespace:
		return m.Params.AuthTokens
	case *wire.SubscribeTracks:
		return m.Params.AuthTokens
	}
	return nil
}

// setupToken keeps the token of the peer's SETUP. A token to be registered is
// treated as a value, as there is no cache ("MAX_AUTH_TOKEN_CACHE_SIZE").
func (s *session) setupToken(o wire.KeyValues) error {
	token := queryToken(s.conn, o)
	if kv, ok := o.Get(wire.OptionAuthToken); ok {
		t, err := s.d.ParseToken(kv.Bytes)
		if err != nil {
			return err
		}
		if t.AliasType == wire.TokenRegister || t.AliasType == wire.TokenUseValue {
			token = string(t.Value)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
	return nil
}

// queryToken is the token in the query of the URL: that of the WebTransport
// session or, over raw QUIC, of SETUP's PATH.
func queryToken(conn Conn, o wire.KeyValues) string {
	var query url.Values
	if q, ok := conn.(Queried); ok {
		query = q.Query()
	} else if path, ok := o.Get(wire.OptionPath); ok {
		if u, err := url.Parse(string(path.Bytes)); err == nil {
			query = u.Query()
		}
	}
	for _, key := range []string{"token", "jwt"} {
		if v := query.Get(key); v != "" {
			return v
		}
	}
	return ""
}

func (s *session) sessionToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}
