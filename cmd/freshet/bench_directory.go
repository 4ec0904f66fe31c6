package main

import (
	"context"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// directoryCommand is a NATS server with JetStream, as somebody would run one outside
// of the gateways: for clusters that are tried out with such a one.
type directoryCommand struct {
	Host string `help:"IP address to listen on." default:"127.0.0.1"`
	Port int    `help:"TCP port to listen on." default:"4222"`
	Dir  string `required:"" help:"Where it keeps its data." placeholder:"FOLDER"`
}

// Run serves until ctx ends.
func (c directoryCommand) Run(ctx context.Context) error {
	s, err := server.NewServer(&server.Options{Host: c.Host, Port: c.Port, JetStream: true, StoreDir: c.Dir, NoSigs: true})
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	s.ConfigureLogger()
	s.Start()
	defer context.AfterFunc(ctx, s.Shutdown)()
	s.WaitForShutdown()
	return nil
}
