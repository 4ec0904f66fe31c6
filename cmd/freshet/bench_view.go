package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/relay"
)

// viewCommand runs an audience of bench/view.
type viewCommand struct {
	URL       []string `arg:"" optional:"" name:"url" help:"Of MoQ servers, in turn: https://HOST:PORT/PATH for WebTransport, moqt://HOST:PORT for raw QUIC, wss://HOST:PORT/PATH for WebSocket."`
	Broadcast string   `help:"What is watched over MoQ: the namespace." placeholder:"live/cam1"`
	HLS       []string `name:"hls" help:"Watch LL-HLS instead: multivariant or media playlists, in turn." placeholder:"URL"`
	HTTP      string   `name:"http" help:"Version for --hls: 1, 2, 3 or what TLS agrees on." default:"auto" enum:"auto,1,2,3"`
	Draft     int      `help:"Offer this draft of MoQT alone." placeholder:"18|16"`
	Tracks    []string `help:"Watch these of the catalog's tracks." placeholder:"video,audio"`
	NoCatalog bool     `help:"Subscribe to --tracks by name: nothing is known of latency and stalls then."`
	JoinNow   bool     `help:"Join at the start of the newest group by a fetch, not at the next group."`

	Viewers   int            `short:"n" help:"How many." default:"10"`
	Ramp      time.Duration  `help:"They come over this time." default:"2s"`
	Stay      time.Duration  `help:"They leave after this time in the mean, and others come." placeholder:"30s"`
	Churn     impair.Percent `help:"The share that --stay is about." default:"100%"`
	Slow      impair.Percent `help:"The share that reads at --slow-rate." default:"0%"`
	SlowRate  impair.Rate    `help:"At which slow viewers read." default:"300kbit"`
	Stuck     impair.Percent `help:"The share that stops reading." default:"0%"`
	Misbehave impair.Percent `help:"The share that sends nonsense, drops requests and stops streams." default:"0%"`

	Reference string        `help:"Compare bytes with those that one more viewer gets here, rather than with what most get." placeholder:"URL"`
	Buffer    time.Duration `help:"What a player has before it plays, for stalls." default:"300ms"`
	PerSocket int           `help:"QUIC connections that share a socket." default:"16"`
	Duration  time.Duration `help:"Ends by itself after this." placeholder:"1m"`
	Warmup    time.Duration `help:"What is seen before does not count." placeholder:"5s"`
	Seed      uint64        `help:"Of chance: who is slow, who leaves when." default:"1"`
	Phases    bool          `help:"Print a line of JSON for each line that is read, which names the time since the one before."`

	Token       string   `help:"Shown to the server." env:"FRESHET_TOKEN"`
	Insecure    bool     `help:"Take any certificate."`
	CA          string   `name:"ca" help:"A PEM file of those who certify the servers." placeholder:"FILE"`
	Fingerprint []string `help:"The SHA-256 hash of a server's certificate." placeholder:"HEX"`

	Checks viewChecks  `embed:"" group:"Checks, exit code 1 when one fails:"`
	Output benchOutput `embed:""`
}

func (c viewCommand) Run(ctx context.Context, con console) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	audience, err := view.New(cfg)
	if err != nil {
		return err
	}
	if c.Duration > 0 {
		timed, cancel := context.WithTimeout(ctx, c.Warmup+c.Duration)
		defer cancel()
		ctx = timed
	}
	if c.Phases {
		return phases(ctx, audience, con)
	}
	return c.show(ctx, audience, con)
}

func (c viewCommand) config() (view.Config, error) {
	trust, err := parentTLS(configs.Relay{CA: c.CA, Fingerprints: c.Fingerprint, Insecure: c.Insecure})
	cfg := view.Config{
		URLs: c.URL, Namespace: relay.Namespace(c.Broadcast), HLS: len(c.HLS) > 0, Draft: c.Draft, Tracks: c.Tracks,
		NoCatalog: c.NoCatalog, JoinNow: c.JoinNow, Viewers: c.Viewers, Ramp: c.Ramp, Stay: c.Stay, Churn: float64(c.Churn),
		Slow: float64(c.Slow), SlowRate: int(c.SlowRate / 8), Stuck: float64(c.Stuck), Misbehave: float64(c.Misbehave),
		Reference: c.Reference, Buffer: c.Buffer, PerSocket: c.PerSocket, Seed: c.Seed, Token: c.Token, TLS: trust,
	}
	switch {
	case cfg.HLS && len(c.URL) > 0:
		return cfg, errors.New("URLs of MoQ and --hls: viewers of one run are of one kind")
	case cfg.HLS:
		cfg.URLs = c.HLS
	case len(c.URL) == 0:
		return cfg, errors.New("nothing to watch: a URL of MoQ with --broadcast, or --hls URL")
	}
	if c.HTTP != "auto" {
		_, _ = fmt.Sscan(c.HTTP, &cfg.HTTP) // One of the digits that kong lets through.
	}
	if err != nil {
		return cfg, err
	}
	return cfg, viewable(cfg)
}

// viewable refuses what no viewer could ever dial.
func viewable(cfg view.Config) error {
	schemes := []string{"https", "moqt", "wss", "ws"}
	if cfg.HLS {
		schemes = []string{"http", "https"}
	}
	for _, raw := range cfg.URLs {
		if u, err := url.Parse(raw); err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
			return fmt.Errorf("%q is no URL that begins with %s://", raw, strings.Join(schemes, ":// or "))
		}
	}
	return nil
}
