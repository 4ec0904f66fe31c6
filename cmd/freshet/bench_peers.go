package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/peers"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/swarm/client"
)

// benchPeersCommand is an audience of bench/peers.
type benchPeersCommand struct {
	URL       string `arg:"" name:"url" help:"Of the edge: https://HOST:PORT/PATH for WebTransport, moqt://HOST:PORT for raw QUIC."`
	Broadcast string `help:"What is watched: the namespace." required:"" placeholder:"live/cam1"`
	Track     string `help:"The video track; without, the first that has beacons." placeholder:"video"`

	Viewers  int           `short:"n" help:"How many." default:"6"`
	Ramp     time.Duration `help:"They come over this time." default:"2s"`
	Duration time.Duration `help:"Ends by itself after this, and the warm-up." default:"1m"`
	Warmup   time.Duration `help:"What is seen before does not count." default:"15s"`
	LAN      bool          `name:"lan" help:"Peers may be in the same network, or on this machine; the edge must allow it, too."`
	Consent  string        `help:"What viewers say: unset and denied take no part." default:"granted" enum:"unset,granted,denied"`

	Token       string   `help:"Shown to the server." env:"FRESHET_TOKEN"`
	Insecure    bool     `help:"Take any certificate."`
	CA          string   `name:"ca" help:"A PEM file of those who certify the server." placeholder:"FILE"`
	Fingerprint []string `help:"The SHA-256 hash of the server's certificate." placeholder:"HEX"`

	MinOffload impair.Percent `help:"The least share of media from peers." default:"0%" group:"Checks, exit code 1 when one fails:"`
	MaxLate    int            `help:"The most chunks that are late or missing; -1 for any." default:"-1" group:"Checks, exit code 1 when one fails:"`
}

// Run watches, a line every second.
func (c benchPeersCommand) Run(ctx context.Context, con console) error {
	trust, err := parentTLS(configs.Relay{CA: c.CA, Fingerprints: c.Fingerprint, Insecure: c.Insecure})
	if err != nil {
		return err
	}
	crowd, err := peers.New(peers.Config{
		URL: c.URL, Namespace: relay.Namespace(c.Broadcast), Track: c.Track, Token: c.Token, TLS: trust,
		Viewers: c.Viewers, Ramp: c.Ramp, LAN: c.LAN, Consent: policy.Consent(c.Consent),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Warmup+c.Duration)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- crowd.Run(ctx) }() // Waited for below.
	counted := c.follow(ctx, con.out, crowd)
	err = <-ended
	total, _ := crowd.Total()
	total.Subtract(counted)
	fmt.Fprintf(con.out, "in all %s\n", total)
	return errors.Join(err, c.check(total))
}

// follow prints what happens, and gives what does not count.
func (c benchPeersCommand) follow(ctx context.Context, out io.Writer, crowd *peers.Crowd) (warm client.Stats) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	warmed := time.After(c.Warmup)
	var last client.Stats
	for {
		select {
		case <-second.C:
			now, modes := crowd.Total()
			moved := now
			moved.Subtract(last)
			last = now
			fmt.Fprintf(out, "%3d on, %3d receive, %3d edge: %s\n", modes[policy.ModeOn], modes[policy.ModeReceive], modes[policy.ModeEdge], moved)
		case <-warmed:
			warm, _ = crowd.Total()
		case <-ctx.Done():
			return warm
		}
	}
}

func (c benchPeersCommand) check(s client.Stats) error {
	var errs []error
	if s.Offload() < float64(c.MinOffload) {
		errs = append(errs, fmt.Errorf("offload of %.1f %%", 100*s.Offload()))
	}
	if c.MaxLate >= 0 && s.Late+s.Missing > c.MaxLate {
		errs = append(errs, fmt.Errorf("%d chunks late, %d missing", s.Late, s.Missing))
	}
	return errors.Join(errs...)
}
