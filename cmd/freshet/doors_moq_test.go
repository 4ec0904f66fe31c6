package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// dial connects a MoQ client that shows a token.
type dial func(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error)

func viaWebTransport(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error) {
	t.Helper()
	conn, err := wtconn.Dial(t.Context(), g.moqURL("https")+"?jwt="+token, certs.Pinned(g.certs.Hash()), wire.Protocols(), nil, nil)
	return conn, moqt.ClientConfig{}, err
}

func viaPath(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error) {
	t.Helper()
	conn, err := quicconn.Dial(t.Context(), g.web.HTTPSAddr().String(), certs.Pinned(g.certs.Hash()), wire.Protocols(), nil)
	return conn, moqt.ClientConfig{Path: "/moq?token=" + token}, err
}

func viaSetup(t *testing.T, g *running, token string) (moqt.Conn, moqt.ClientConfig, error) {
	t.Helper()
	conn, err := quicconn.Dial(t.Context(), g.web.HTTPSAddr().String(), certs.Pinned(g.certs.Hash()), []string{"moqt-16"}, nil)
	return conn, moqt.ClientConfig{AuthToken: token}, err
}

func moqDoor(dial dial, act func(context.Context, *moqt.Client) (string, error)) func(*testing.T, *running, string) string {
	return func(t *testing.T, g *running, token string) string {
		t.Helper()
		conn, cfg, err := dial(t, g, token)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		client, err := moqt.NewClient(ctx, conn, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		got, err := act(ctx, client)
		if refused, ok := errors.AsType[*moqt.RequestError](err); ok {
			return refused.Code.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func publishes(ctx context.Context, c *moqt.Client) (string, error) {
	p, err := c.PublishNamespace(ctx, relay.Namespace("live/in-moq"))
	if err == nil {
		_ = p.Close()
	}
	return "", err
}

func subscribes(ctx context.Context, c *moqt.Client) (string, error) {
	sub, err := c.Subscribe(ctx, demoName, "video", moqt.SubscribeOptions{})
	if err == nil {
		sub.Close()
	}
	return "", err
}

// discovers gives the first broadcast that is announced within a moment.
func discovers(ctx context.Context, c *moqt.Client) (string, error) {
	sub, err := c.SubscribeNamespace(ctx, "")
	if err != nil {
		return "", err
	}
	defer sub.Close()
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	a, err := sub.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return "", nil
	}
	return string(a.Namespace), err
}
