package main

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/bench/bare"
	"github.com/freshet-live/freshet/bench/steady"
)

// bareCommand is the peer of `bench sweep --bare`.
type bareCommand struct {
	Kbits int `help:"Of the broadcast, in kbit/s." default:"6000"`
}

// Run prints the URL and serves until ctx ends.
func (c bareCommand) Run(ctx context.Context, con console) error {
	server, err := bare.New(bare.Even(max(steady.Chunk(c.Kbits), steady.StampSize)), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	fmt.Fprintln(con.out, server.URL())
	return server.Run(ctx)
}
