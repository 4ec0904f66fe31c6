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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal drains; the second one finds no handler and kills.
	context.AfterFunc(ctx, stop)
	saveMemory()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
