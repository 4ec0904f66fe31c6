package srt

import (
	"context"
	"fmt"

	gosrt "github.com/datarhei/gosrt"
)

// Receive hands on what the peer sends, packet by packet, until put fails, or ctx
// or the connection ends.
func (c *Caller) Receive(ctx context.Context, put func([]byte) error) error {
	return receive(ctx, c.conn, put)
}

func receive(ctx context.Context, conn gosrt.Conn, put func([]byte) error) error {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	for {
		p, err := conn.ReadPacket()
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
	l, err := gosrt.Listen("srt", address, cfg)
	if err != nil {
		return fmt.Errorf("listen srt %s: %w", address, err)
	}
	defer context.AfterFunc(ctx, l.Close)()
	defer l.Close()
	for {
		req, err := l.Accept2()
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("accept srt: %w", err)
		}
		if err := receiveFrom(ctx, req, cfg.Passphrase, put); ctx.Err() == nil {
			ended(err)
		}
	}
}

func receiveFrom(ctx context.Context, req gosrt.ConnRequest, passphrase string, put func([]byte) error) error {
	if err := unlock(req, passphrase); err != nil {
		req.Reject(rejectionFor(err).code)
		return err
	}
	conn, err := req.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	return receive(ctx, conn, put)
}
