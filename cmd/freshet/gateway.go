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
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest"
	moqin "github.com/freshet-live/freshet/ingest/moq"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/ingest/rtsp"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
	"github.com/freshet-live/freshet/transport/httpd/ops"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
	"github.com/freshet-live/freshet/transport/moqt/wire"
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
	relay    *relay.Relay
	sessions *ingest.Sessions
	ts       *mpegts.Metrics
	srt      *srt.Listener // nil when switched off.
	quic     *quic.Door    // nil when switched off.
	rtsp     *rtsp.Door    // nil when switched off.
	uplink   *uplink.Manager
	// directory is the cluster, or this node's own memory when it is alone.
	directory *cluster.Member
	hls       *hls.Server
	moq       *moqt.Server
	certs     *certs.Source
	web       *httpd.Server
	ops       *ops.Server // nil when switched off.

	draining atomic.Bool
	token    atomic.Pointer[string] // What is shown to parents. Set by newUplink, then by watchToken.
}

// newGateway makes the parts and binds their addresses. Nothing is served yet.
func newGateway(cfg configs.Config, log *slog.Logger) (*gateway, error) {
	cfg.Node.ID = nodeID(cfg.Node)
	g := &gateway{cfg: cfg, log: log, registry: newRegistry()}
	if err := g.newGuard(); err != nil {
		return nil, err
	}
	g.ts = mpegts.NewMetrics(g.registry)
	g.relay = relay.New(relay.Config{MaxBytes: int64(cfg.Relay.Memory) << 20})
	g.registry.MustRegister(relay.NewCollector(g.relay))
	g.sessions = ingest.NewSessions(ingest.Config{
		NewSink: g.newSink, Authorize: g.mayPublish, Claim: g.claim, Hold: cfg.Ingest.Hold,
		Logger: log.With("part", "ingest"), Registerer: g.registry,
	})
	g.moq = moqt.NewServer(moqt.Config{
		Relay: g.relay, Authorize: g.mayAsk, Publishers: g.publishers(), MaxLag: cfg.MoQ.MaxLag,
		Logger: log.With("part", "moq"), Registerer: g.registry,
	})
	// Parts that hold sockets come last: what fails before needs no closing.
	for _, build := range []func() error{g.newHLS, g.newCerts, g.newDirectory, g.newUplink, g.newSRT, g.newRTSP, g.newQUIC, g.newOps, g.newWeb} {
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

// newSink starts a broadcast for its first publisher.
func (g *gateway) newSink(name string) (ingest.HeldSink, error) {
	return packager.New(packager.Config{
		Relay: g.relay, Namespace: relay.Namespace(name), Window: g.cfg.Relay.Window,
		Logger: g.log.With("part", "packager"), Registerer: g.registry,
	})
}

// publishers takes in what MoQ clients publish; nil when that is switched off.
func (g *gateway) publishers() moqt.Publishers {
	if !g.cfg.MoQ.Publish {
		return nil
	}
	return moqin.New(moqin.Config{
		Relay: g.relay, Sessions: g.sessions, Window: g.cfg.Relay.Window,
		Logger: g.log.With("part", "ingest"), Registerer: g.registry,
	})
}

func (g *gateway) newHLS() (err error) {
	g.hls, err = hls.New(hls.Config{
		Relay: g.relay, SegmentDuration: g.cfg.HLS.Segment, PartDuration: g.cfg.HLS.Part,
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
		Address: cfg.Address, Sessions: g.sessions, Latency: cfg.Latency,
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
		Draining: g.draining.Load,
		State: map[string]func() any{
			"ingest":  func() any { return g.sessions.Snapshot() },
			"relay":   func() any { return g.uplink.Snapshot() },
			"cluster": g.clusterState,
		},
		Notes:  map[string]func() error{"directory": g.directory.Health},
		Logger: g.log.With("part", "ops"),
	})
	return err
}

// checks are what readiness asks for.
func (g *gateway) checks() map[string]func() error {
	// The front is made after this, and asked only when all of it runs.
	checks := map[string]func() error{"web": func() error { return g.web.Ready() }}
	if g.srt == nil && g.rtsp == nil && g.quic == nil && !g.cfg.MoQ.Publish {
		// All that this node can serve comes from them.
		checks["parents"] = func() error {
			if g.uplink.Connected() == 0 {
				return errors.New("none is connected")
			}
			return nil
		}
	}
	return checks
}

func (g *gateway) newWeb() error {
	handler, err := llhls.New(llhls.Config{Server: g.hls, Access: access{g.guard, "hls"}, Registerer: g.registry})
	if err != nil {
		return err
	}
	g.web, err = httpd.New(httpd.Config{
		HTTP: g.cfg.Web.HTTP, HTTPS: g.cfg.Web.HTTPS, Certs: g.certs,
		Protocols: wire.Protocols(), MoQ: g.serveMoQ, Others: g.otherProtocols(), Origins: origins(g.cfg.Web.Origins),
		HLS: http.Handler(handler), Access: access{g.guard, "api"}, ClientCertificates: g.cfg.Auth.Relays.CA != "",
		Player: web.Files(), Relay: g.relay, Version: versionName(),
		PublicMoQURL: g.cfg.Web.MoQURL,
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
	if g.ops == nil {
		return nil
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return g.ops.Run(ended)
}
