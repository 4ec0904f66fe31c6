package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/push"
)

// demoClip is made by demo/make-clip.sh.
//
//go:embed demo/clip.ts
var demoClip []byte

// demoName is the broadcast that the clip plays on.
const demoName = "live/demo"

type demoCommand struct {
	Log string `help:"The least level of log lines: debug, info, warn or error." default:"warn" enum:"debug,info,warn,error"`
}

// Run starts a gateway with the default configuration and pushes the clip into
// it, as an encoder would.
func (c demoCommand) Run(ctx context.Context, con console) error {
	cfg := configs.Default()
	cfg.Log.Level = c.Log
	cfg.Auth.Open = true // It is there to be looked at, also from a phone.
	freePorts(&cfg)
	log := newLogger(con.err, cfg.Log)
	g, err := newGateway(cfg, log)
	if err != nil {
		return err
	}
	printDemo(con.out, g)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.Run(ctx) })
	group.Go(func() error { return pushDemo(ctx, log, port(g.srt.Addr())) })
	return group.Wait()
}

// freePorts leaves the default ports that others use: a demo should start
// beside whatever runs already.
func freePorts(cfg *configs.Config) {
	for _, a := range []struct {
		address  *string
		networks []string
	}{
		{&cfg.SRT.Address, []string{"udp"}},
		{&cfg.Web.HTTP, []string{"tcp"}},
		{&cfg.Web.HTTPS, []string{"tcp", "udp"}},
		{&cfg.Metrics.Address, []string{"tcp"}},
	} {
		for _, network := range a.networks {
			if !free(network, *a.address) {
				*a.address = anyPort(*a.address)
				break
			}
		}
	}
}

// anyPort is the address with a port for the system to choose.
func anyPort(address string) string {
	return address[:strings.LastIndexByte(address, ':')+1] + "0"
}

func free(network, address string) bool {
	var c net.ListenConfig
	var socket io.Closer
	var err error
	if network == "udp" {
		socket, err = c.ListenPacket(context.Background(), network, address)
	} else {
		socket, err = c.Listen(context.Background(), network, address)
	}
	return err == nil && socket.Close() == nil
}

func port(a net.Addr) string {
	switch a := a.(type) {
	case *net.UDPAddr:
		return strconv.Itoa(a.Port)
	case *net.TCPAddr:
		return strconv.Itoa(a.Port)
	}
	return ""
}

func printDemo(w io.Writer, g *gateway) {
	http, https := port(g.web.HTTPAddr()), port(g.web.HTTPSAddr())
	fmt.Fprintf(w, `Freshet %s plays a clip on %s. Its clock is the clip's own, not the time of day.

  Watch         http://127.0.0.1:%s/%s/
  LL-HLS        http://127.0.0.1:%s/%s/index.m3u8
  MoQ           https://127.0.0.1:%s/moq   (namespace %s; WebTransport, or QUIC with ALPN moqt-18, moqt-16)

  Push your own srt://127.0.0.1:%s?streamid=publish:live/cam1
  and watch it  http://127.0.0.1:%s/live/cam1/

Ctrl-C stops it.
`, versionName(), demoName, http, demoName, http, demoName, https, demoName, port(g.srt.Addr()), http)
}

// pushDemo is an encoder that never gives up.
func pushDemo(ctx context.Context, log *slog.Logger, port string) error {
	clip, err := push.Clip(demoClip)
	if err != nil {
		return fmt.Errorf("demo clip: %w", err)
	}
	status := &push.Status{}
	output, err := push.NewOutput(push.OutputConfig{
		To: "srt://127.0.0.1:" + port + "?streamid=publish:" + demoName, Status: status, Log: log,
	})
	if err != nil {
		return err
	}
	if err := push.Run(ctx, clip, output, push.NewQueue(time.Second), status); ctx.Err() == nil {
		return err
	}
	return nil
}
