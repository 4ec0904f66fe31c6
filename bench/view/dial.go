package view

import (
	"context"
	"net/url"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wsconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// dialer connects a viewer over MoQ; authority is for SETUP.
type dialer func(ctx context.Context, viewer int, rawURL string) (conn moqt.Conn, authority string, err error)

func (a *Audience) dialURL(ctx context.Context, viewer int, rawURL string) (conn moqt.Conn, authority string, err error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, "", err
	}
	protocols := a.cfg.protocols()
	if u.Scheme == "wss" || u.Scheme == "ws" {
		conn, err = wsconn.Dial(ctx, rawURL, a.cfg.TLS, protocols, nil)
		return conn, "", err
	}
	from, err := a.sockets.of(viewer)
	if err != nil {
		return nil, "", err
	}
	if u.Scheme == "moqt" {
		conn, err = quicconn.DialFrom(ctx, from, u.Host, a.cfg.TLS, protocols, nil)
		return conn, u.Host, err
	}
	conn, err = wtconn.DialFrom(ctx, from, rawURL, a.cfg.TLS, protocols, nil, nil)
	return conn, "", err
}
