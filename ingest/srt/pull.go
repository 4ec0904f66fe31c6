package srt

import (
	"context"
	"fmt"

	gosrt "github.com/datarhei/gosrt"

	engine "github.com/freshet-live/freshet/transport/srt"
)

// Receive hands on what the peer sends, packet by packet, until put fails, or ctx
// or the connection ends.
func (c *Caller) Receive(ctx context.Context, put func([]byte) error) error {
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	for {
		p, err := c.conn.ReadPacket()
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return errSocket
		}
		err = put(p.Data())
		p.Decommission()
		if err != nil {
			return err
		}
	}
}

// ReceiveOne waits at "srt://:port?passphrase=..&latency=.." for one caller at a
// time and hands on what it sends; ended is told why each was lost. It returns when
// ctx ends, or with the socket's error.
func ReceiveOne(ctx context.Context, url string, put func([]byte) error, ended func(error)) error {
	cfg := gosrt.DefaultConfig()
	address, err := cfg.UnmarshalURL(url)
	if err != nil {
		return fmt.Errorf("srt url: %w", err)
	}
	l, err := engine.Listen(address, engine.Config{Latency: cfg.ReceiverLatency})
	if err != nil {
		return fmt.Errorf("listen srt %s: %w", address, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	broken := make(chan error, 1)
	go func() { broken <- l.Run(ctx) }()
	err = receiveOne(ctx, l, cfg.Passphrase, put, ended)
	cancel()
	if broke := <-broken; broke != nil {
		return broke
	}
	return err
}

func receiveOne(ctx context.Context, l *engine.Listener, passphrase string, put func([]byte) error, ended func(error)) error {
	for {
		req, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		if err := receiveFrom(ctx, req, passphrase, put); ctx.Err() == nil {
			ended(err)
		}
	}
}

func receiveFrom(ctx context.Context, req *engine.Request, passphrase string, put func([]byte) error) error {
	if err := unlock(req, passphrase); err != nil {
		req.Reject(rejectionFor(err).code)
		return err
	}
	conn, err := req.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Close)()
	return conn.Receive(put)
}
