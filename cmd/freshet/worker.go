package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/cmd/freshet/workers"
	"github.com/freshet-live/freshet/transport/httpd"
)

// workerCommand is what a gateway with web.workers starts.
type workerCommand struct{}

func (workerCommand) Run(ctx context.Context, con console) error {
	// A key that is pressed is the gateway's, which drains its workers.
	signal.Ignore(os.Interrupt)
	seat, err := workers.Take(os.Stdin)
	if err != nil {
		return err
	}
	cfg := seat.Config()
	log := newLogger(con.err, cfg.Log).With("worker", seat.Index())
	go leaveWith(os.Stdin, log)
	g, err := buildGateway(cfg, log, seat)
	if err != nil {
		return err
	}
	log.Debug("worker started", "pid", os.Getpid())
	return g.Run(ctx)
}

// leaveWith ends this process when the gateway has ended without a word: there is nothing
// to serve any more, and its successor wants the addresses.
func leaveWith(gateway io.Reader, log *slog.Logger) {
	_, _ = io.Copy(io.Discard, gateway)
	log.Error("the gateway is gone")
	os.Exit(1)
}

// newShared makes the folder for workers, and has them share a certificate.
func (g *gateway) newShared() (err error) {
	if g.cfg.Web.Workers == 0 {
		return nil
	}
	if g.dir, err = workers.Dir(); err != nil {
		return err
	}
	if g.cfg.Web.Cert == "" && g.cfg.Web.CertDir == "" {
		g.cfg.Web.CertDir = filepath.Join(g.dir, "certs")
	}
	return nil
}

func (g *gateway) removeShared() {
	if g.dir != "" {
		_ = os.RemoveAll(g.dir)
	}
}

// newPool makes workers the front.
func (g *gateway) newPool() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("workers: %w", err)
	}
	g.pool, err = workers.New(workers.Config{
		Gateway: g.cfg, Command: func() *exec.Cmd { return &exec.Cmd{Path: self, Args: []string{self, "worker"}} }, Output: os.Stderr,
		MoQ: g.node.NewChildren(), Edges: g.otherEdges,
		Logger: g.log.With("part", "workers"), Registerer: g.registry,
	}, g.dir)
	if err != nil {
		return err
	}
	g.web, g.unserved = g.pool, g.pool.Close
	return nil
}

// sockets are those that a worker has inherited; else nil.
func (g *gateway) sockets() *httpd.Sockets {
	if g.seat == nil {
		return nil
	}
	return g.seat.Sockets()
}

// gatherer has the metrics of this process, and of its workers.
func (g *gateway) gatherer() prometheus.Gatherer {
	if g.pool == nil {
		return g.registry
	}
	return prometheus.Gatherers{g.registry, g.pool}
}

// workerPages are what workers show of themselves, behind /workers/N.
func (g *gateway) workerPages() map[string]http.Handler {
	if g.pool == nil {
		return nil
	}
	return map[string]http.Handler{"GET /workers/": http.StripPrefix("/workers", g.pool.Handler())}
}
