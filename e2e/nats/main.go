// Nats is a NATS server with JetStream, as somebody would run one outside of the
// gateways: for the tests of clusters that use such a one.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	host := flag.String("host", "127.0.0.1", "IP address to listen on")
	port := flag.Int("port", 4222, "TCP port to listen on")
	dir := flag.String("dir", "", "where it keeps its data")
	flag.Parse()
	s, err := server.NewServer(&server.Options{Host: *host, Port: *port, JetStream: true, StoreDir: *dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown() // On SIGTERM.
}
