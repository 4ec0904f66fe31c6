package main

import (
	"context"

	"github.com/freshet-live/freshet/configs"
)

type serveCommand struct {
	Config string `help:"The YAML file; defaults without one." short:"c"`
}

func (c serveCommand) Run(ctx context.Context, con console) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	return serve(ctx, con, cfg)
}

// loadConfig reads a file; the defaults without one.
func loadConfig(file string) (configs.Config, error) {
	if file == "" {
		return configs.Default(), nil
	}
	return configs.Load(file)
}

// serve runs a gateway until ctx ends.
func serve(ctx context.Context, con console, cfg configs.Config) error {
	log := newLogger(con.err, cfg.Log)
	g, err := newGateway(cfg, log)
	if err != nil {
		return err
	}
	log.Info("gateway started", "version", versionName(), "node", g.cfg.Node.ID, "tier", g.cfg.Node.Tier, "srt", g.srtAddr(),
		"http", g.web.HTTPAddr(), "https", g.web.HTTPSAddr(), "config", cfg)
	if err := g.Run(ctx); err != nil {
		return err
	}
	log.Info("gateway stopped")
	return nil
}
