// Command freshet is the live gateway: SRT in, chunked CMAF out over MoQ and
// LL-HLS. Each subcommand has a file of its own; gateway.go puts the parts
// together.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, drain := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		// Before anybody can see the drain: the second signal finds no handler and
		// kills.
		signal.Stop(signals)
		drain()
	}()
	saveMemory()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
