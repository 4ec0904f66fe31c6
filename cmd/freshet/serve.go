package main

import (
	"context"

	"github.com/freshet-live/freshet/configs"
)

type serveCommand struct {
	Config string `help:"The YAML file; defaults without one." short:"c"`
}

func (c serveCommand) Run(ctx context.Context, con console) error {
	cfg := configs.Default()
	if c.Config != "" {
		var err error
		if cfg, err = configs.Load(c.Config); err != nil {
			return err
		}
	}
	log := newLogger(con.err, cfg.Log)
	g, err := newGateway(cfg, log)
	if err != nil {
		return err
	}
	log.Info("gateway started", "version", versionName(), "srt", g.srt.Addr(),
		"http", g.web.HTTPAddr(), "https", g.web.HTTPSAddr(), "config", cfg)
	if err := g.Run(ctx); err != nil {
		return err
	}
	log.Info("gateway stopped")
	return nil
}
