package main

import (
	"context"
	"errors"

	"github.com/freshet-live/freshet/configs"
)

// relayCommand runs a gateway that takes no encoders: what it serves comes from its
// parents.
type relayCommand struct {
	Config      string   `help:"The YAML file; defaults without one." short:"c"`
	Parent      []string `help:"A gateway that broadcasts come from: https://HOST:4443/moq or moqt://HOST:4443. Adds to relay.parents." placeholder:"URL"`
	Fingerprint []string `help:"The SHA-256 hash of a parent's certificate, as its /certificate.sha256 shows it." placeholder:"HEX"`
	Insecure    bool     `help:"Take any certificate of a parent."`
	HTTP        string   `help:"The address of web.http." placeholder:"ADDR"`
	HTTPS       string   `help:"The address of web.https." placeholder:"ADDR"`
	Metrics     string   `help:"The address of metrics.address." placeholder:"ADDR"`
}

func (c relayCommand) Run(ctx context.Context, con console) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	c.apply(&cfg)
	if cfg.Node.Tier == configs.TierOrigin {
		cfg.Node.Tier = configs.TierEdge
	}
	if len(cfg.Relay.Parents) == 0 && cfg.Cluster.Alone() {
		return errors.New("a relay needs a parent: --parent, relay.parents in the configuration, or a cluster")
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	return serve(ctx, con, cfg)
}

// apply closes the doors of encoders and takes the flags over.
func (c relayCommand) apply(cfg *configs.Config) {
	cfg.RTSP.Address, cfg.RTSP.Pull = "", nil
	cfg.SRT.Address, cfg.MoQ.Publish, cfg.QUIC.Publish = "", false, false
	for _, url := range c.Parent {
		cfg.Relay.Parents = append(cfg.Relay.Parents, configs.Parent{URL: url})
	}
	cfg.Relay.Fingerprints = append(cfg.Relay.Fingerprints, c.Fingerprint...)
	cfg.Relay.Insecure = cfg.Relay.Insecure || c.Insecure
	for flag, address := range map[string]*string{
		c.HTTP: &cfg.Web.HTTP, c.HTTPS: &cfg.Web.HTTPS, c.Metrics: &cfg.Metrics.Address,
	} {
		if flag != "" {
			*address = flag
		}
	}
}
