package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/freshet-live/freshet/auth"
	"github.com/freshet-live/freshet/cmd/freshet/node"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/ingest/rtsp"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
	"github.com/freshet-live/freshet/transport/httpd/ops"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/swarm/place"
	"github.com/freshet-live/freshet/transport/swarm/stun"
	"github.com/freshet-live/freshet/web"
)

// gateway is every part of a node, wired:
//
//	srt, rtsp, quic ──> sessions ──> packager ──> relay ──> moq, hls ──> web
//	moq publishers ──> intake ──────────┤
//	parents ──> uplink ─────────────────┘
type gateway struct {
	// Set by newGateway, then read-only.
	cfg      configs.Config
	log      *slog.Logger
	registry *prometheus.Registry
	guard    *auth.Guard
	node     *node.Node
	ts       *mpegts.Metrics
	srt      *srt.Listener // nil when switched off.
	quic     *quic.Door    // nil when switched off.
	rtsp     *rtsp.Door    // nil when switched off.
	hls      *hls.Server
	certs    *certs.Source
	web      *httpd.Server
	ops      *ops.Server // nil when switched off.
	places   *place.Database
	stun     *stun.Server // nil when switched off.

	token atomic.Pointer[string] // What is shown to parents. Set by newNode, then by watchCredentials.
}

// newGateway makes the parts and binds their addresses. Nothing is served yet.
func newGateway(cfg configs.Config, log *slog.Logger) (*gateway, error) {
	cfg.Node.ID = nodeID(cfg.Node)
	g := &gateway{cfg: cfg, log: log, registry: newRegistry()}
	if err := g.newGuard(); err != nil {
		return nil, err
	}
	g.ts = mpegts.NewMetrics(g.registry)
	// Parts that hold sockets come last: what fails before needs no closing.
	for _, build := range []func() error{g.newNode, g.newHLS, g.newCerts, g.newSTUN, g.newSRT, g.newRTSP, g.newQUIC, g.newOps, g.newWeb} {
		if err := build(); err != nil {
			return nil, errors.Join(err, g.close())
		}
	}
	return g, nil
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "freshet_build_info", Help: "Always 1; its label is the version.",
		ConstLabels: prometheus.Labels{"version": versionName()},
	})
	build.Set(1)
	registry.MustRegister(build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// newNode makes the core, whose directory is its own memory when it is alone.
func (g *gateway) newNode() error {
	store, err := g.newStore()
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	up, err := g.uplinkConfig()
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	key, err := g.newStreamKey()
	if err != nil {
		return err
	}
	offer, err := g.swarmConfig()
	if err != nil {
		return fmt.Errorf("swarm: %w", err)
	}
	c := g.cfg.Node
	g.node, err = node.New(node.Config{
		Self:  cluster.Node{ID: c.ID, Tier: cluster.Tier(c.Tier), Region: c.Region, URL: c.URL},
		Store: store, WhenDown: cluster.Policy(g.cfg.Cluster.WhenDown),
		Parents: parents(g.cfg.Relay), Load: new(loadMeter).read,
		MaxBytes: int64(g.cfg.Relay.Memory) << 20, MaxGroupBytes: g.cfg.Relay.GroupMemory << 20, Window: g.cfg.Relay.Window,
		Publish: g.cfg.MoQ.Publish, StreamKey: key,
		Ingest: ingest.Config{Authorize: g.mayPublish, Hold: g.cfg.Ingest.Hold},
		MoQ:    moqt.Config{Authorize: g.mayAsk, MaxLag: g.cfg.MoQ.MaxLag},
		Uplink: up, Swarm: offer,
		Logger: g.log, Registerer: g.registry,
	})
	return err
}

func (g *gateway) newHLS() (err error) {
	g.hls, err = hls.New(hls.Config{
		Relay: g.node.Relay, SegmentDuration: g.cfg.HLS.Segment, PartDuration: g.cfg.HLS.Part,
		// What leaves a playlist stays for as long as the playlist is: listing
		// half of the log keeps no bytes that the log has let go.
		Window: g.cfg.Relay.Window / 2,
		Logger: g.log.With("part", "hls"), Registerer: g.registry,
	})
	return err
}

func (g *gateway) newCerts() (err error) {
	g.certs, err = certs.New(certs.Config{
		CertFile: g.cfg.Web.Cert, KeyFile: g.cfg.Web.Key, Hosts: g.cfg.Web.Hosts, Dir: g.cfg.Web.CertDir,
		Logger: g.log.With("part", "certs"), Registerer: g.registry,
	})
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

func (g *gateway) newSRT() (err error) {
	cfg := g.cfg.SRT
	if cfg.Address == "" {
		return nil
	}
	passphrases := srt.Passphrases{Default: cfg.Passphrase.Reveal()}
	for _, s := range cfg.Streams {
		passphrases.Streams = append(passphrases.Streams, srt.Stream{Path: s.Path, Passphrase: s.Passphrase.Reveal()})
	}
	g.srt, err = srt.Listen(srt.Config{
		Address: cfg.Address, Sessions: g.node.Sessions, Latency: cfg.Latency,
		DefaultStream: cfg.DefaultStream, Passphrases: passphrases, TS: g.ts,
		Logger: g.log.With("part", "srt"), Registerer: g.registry,
	})
	return err
}

// srtAddr is where encoders come to; nil without SRT.
func (g *gateway) srtAddr() net.Addr {
	if g.srt == nil {
		return nil
	}
	return g.srt.Addr()
}

func (g *gateway) newOps() (err error) {
	if g.cfg.Metrics.Address == "" {
		return nil
	}
	g.ops, err = ops.New(ops.Config{
		Addr: g.cfg.Metrics.Address, Gatherer: g.registry, Profiles: g.cfg.Metrics.PProf,
		Checks:   g.checks(),
		Draining: g.node.Draining,
		State:    g.states(),
		Notes:    map[string]func() error{"directory": g.node.Directory.Health},
		Logger:   g.log.With("part", "ops"),
	})
	return err
}

// states are what the operation's pages show of each part.
func (g *gateway) states() map[string]func() any {
	out := map[string]func() any{
		"ingest":  func() any { return g.node.Sessions.Snapshot() },
		"relay":   func() any { return g.node.Uplink.Snapshot() },
		"cluster": g.clusterState,
	}
	if g.node.Swarm != nil {
		out["swarm"] = func() any { return g.node.Swarm.Snapshot() }
	}
	return out
}

// checks are what readiness asks for.
func (g *gateway) checks() map[string]func() error {
	// The front is made after this, and asked only when all of it runs.
	checks := map[string]func() error{"web": func() error { return g.web.Ready() }}
	if g.srt == nil && g.rtsp == nil && g.quic == nil && !g.cfg.MoQ.Publish {
		// All that this node can serve comes from them.
		checks["parents"] = func() error {
			if g.node.Uplink.Connected() == 0 {
				return errors.New("none is connected")
			}
			return nil
		}
	}
	return checks
}

func (g *gateway) newWeb() error {
	handler, err := llhls.New(llhls.Config{Server: g.hls, Access: access{g.guard, "hls"}, Full: g.full, Registerer: g.registry})
	if err != nil {
		return err
	}
	g.web, err = httpd.New(httpd.Config{
		HTTP: g.cfg.Web.HTTP, HTTPS: g.cfg.Web.HTTPS, Certs: g.certs,
		Protocols: wire.Protocols(), MoQ: g.serveMoQ, Others: g.otherProtocols(), Origins: origins(g.cfg.Web.Origins),
		HLS: http.Handler(handler), Access: access{g.guard, "api"}, ClientCertificates: g.cfg.Auth.Relays.CA != "",
		Player: web.Files(), Relay: g.node.Relay, Version: versionName(),
		PublicMoQURL: g.cfg.Web.MoQURL, Swarm: g.swarmWay(), Edges: g.otherEdges,
		DrainTimeout: max(g.cfg.Drain.Deadline, time.Millisecond),
		Logger:       g.log.With("part", "web"), Registerer: g.registry,
	})
	return err
}

// origins is nil where every origin may come in.
func origins(configured []string) []string {
	if slices.Contains(configured, "*") {
		return nil
	}
	return append([]string{}, configured...)
}

// close lets go of the sockets of a gateway that cannot run.
func (g *gateway) close() error {
	if g.srt != nil {
		g.srt.Close()
	}
	if g.rtsp != nil {
		g.rtsp.Close()
	}
	if g.stun != nil {
		_ = g.stun.Close()
	}
	if g.places != nil {
		_ = g.places.Close()
	}
	if g.ops == nil {
		return nil
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return g.ops.Run(ended)
}
