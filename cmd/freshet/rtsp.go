package main

import (
	"github.com/freshet-live/freshet/ingest/rtsp"
)

// newRTSP binds where encoders publish over RTSP, and prepares the cameras to pull
// from; nothing without either.
func (g *gateway) newRTSP() (err error) {
	cfg := g.cfg.RTSP
	if cfg.Address == "" && len(cfg.Pull) == 0 {
		return nil
	}
	pulls := make([]rtsp.Pull, len(cfg.Pull))
	for i, p := range cfg.Pull {
		pulls[i] = rtsp.Pull{Name: p.Name, URL: p.URL.Reveal(), Transport: rtsp.Transport(p.Transport)}
	}
	g.rtsp, err = rtsp.Listen(rtsp.Config{
		Address: cfg.Address, RTPAddress: cfg.RTPAddress, Pulls: pulls, Sessions: g.node.Sessions,
		Logger: g.log.With("part", "rtsp"), Registerer: g.registry,
	})
	return err
}
