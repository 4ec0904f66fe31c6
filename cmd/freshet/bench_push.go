package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/push"
)

// benchPushCommand runs a fleet of bench/encoders.
type benchPushCommand struct {
	Source string `arg:"" optional:"" default:"clip" help:"A file, which is repeated; clip, the demo's; or pattern, which is made to measure."`

	To    string `required:"" help:"As for freshet push; {n} is the number of an encoder, from 1 on. file:NAME is written without waiting." placeholder:"URL"`
	Count int    `help:"How many encoders." default:"1" short:"n"`

	Rate  impair.Rate `help:"Send at exactly this rate, with null packets in between; a pattern has 6mbit unless told." placeholder:"6mbit"`
	Trace string      `help:"Rates over time instead, repeated: a table with time_s and rate_kbit, as bench impair reads it." placeholder:"FILE.csv"`

	Pattern patternFlags `embed:"" group:"Pattern:"`

	Ramp   time.Duration      `help:"From the first encoder's start to the last one's." placeholder:"10s"`
	Churn  encoders.Frequency `help:"How often an encoder leaves, of all together; by chance." placeholder:"6/m"`
	Away   time.Duration      `help:"After how long it is back." default:"2s"`
	Fault  []encoders.Fault   `help:"What goes wrong when; may be repeated: '30s kill 2s', '40s stall 2s', '50s pts-jump -5s', '1m corrupt 1% for 5s', '0s drift +200ppm'; '@3' behind it for the third encoder alone, 'every 1m' for again and again." placeholder:"FAULT" sep:"none"`
	Faults string             `help:"The same from a file, as a list under faults." placeholder:"FILE.yaml"`
	Mark   bool               `help:"Say in each picture its number, its checksum and when it was sent (docs/mark.md)."`
	Seed   uint64             `help:"Of all chance: one seed, the same bytes." default:"1"`

	Duration time.Duration `help:"Ends by itself after this." placeholder:"1m"`
	Buffer   time.Duration `help:"How much an encoder keeps while it has no connection." default:"2s"`
	Log      string        `help:"The least level of log lines: debug, info, warn or error." default:"warn" enum:"debug,info,warn,error"`

	Fingerprint []string `help:"The SHA-256 hash of the server's certificate." placeholder:"HEX"`
	CA          string   `name:"ca" help:"A PEM file of those who certify the server." placeholder:"FILE"`
	Insecure    bool     `help:"Take any certificate."`

	Output benchOutput `embed:""`
}

func (c benchPushCommand) Run(ctx context.Context, con console) error {
	cfg, err := c.config(con)
	if err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(c.To, "file:"); ok {
		return c.write(ctx, cfg, name)
	}
	if c.To == "-" && c.Output.JSON == "-" {
		return errors.New("--to - and --json -: standard output takes one of them")
	}
	if c.Duration > 0 {
		timed, cancel := context.WithTimeout(ctx, c.Duration)
		defer cancel()
		ctx = timed
	}
	fleet, err := encoders.New(cfg)
	if err != nil {
		return err
	}
	return c.show(ctx, con, fleet)
}

// config is the fleet that flags describe.
func (c benchPushCommand) config(con console) (encoders.Config, error) {
	conf, err := parentTLS(configs.Relay{CA: c.CA, Fingerprints: c.Fingerprint, Insecure: c.Insecure})
	if err != nil {
		return encoders.Config{}, err
	}
	cfg := encoders.Config{
		Count: c.Count, Mark: c.Mark, Seed: c.Seed, Ramp: c.Ramp, Buffer: c.Buffer,
		Output: push.OutputConfig{To: c.To, TLS: conf, DialMoQ: dialDraft, Stdout: con.out},
		Log:    c.logger(con),
	}
	if c.Faults != "" {
		if cfg.Schedule, err = encoders.LoadSchedule(c.Faults); err != nil {
			return cfg, fmt.Errorf("--faults: %w", err)
		}
	}
	cfg.Schedule.Faults = append(cfg.Schedule.Faults, c.Fault...)
	cfg.Schedule.Churn, cfg.Schedule.Away = c.Churn, c.Away
	if c.Ramp < 0 || c.Away <= 0 {
		return cfg, errors.New("--ramp and --away: no negative time, and nobody comes back at once")
	}
	return cfg, c.stream(&cfg)
}

func (c benchPushCommand) logger(con console) *slog.Logger {
	return newLogger(con.err, configs.Log{Level: c.Log, Format: "text"})
}

// write plays encoders into files, one after the other. In marks, time begins in 1970,
// so that the same command writes the same bytes.
func (c benchPushCommand) write(ctx context.Context, cfg encoders.Config, name string) error {
	if c.Duration <= 0 {
		return errors.New("a file needs --duration")
	}
	if c.Output.JSON != "" || c.Output.wanted() {
		return errors.New("a file is written at once: there is nothing to report")
	}
	if c.Count < 1 || c.Count > 1 && !strings.Contains(name, encoders.Placeholder) {
		return fmt.Errorf("%d encoders need %s in the name of their file", c.Count, encoders.Placeholder)
	}
	if err := cfg.Schedule.Check(c.Count); err != nil {
		return err
	}
	for n := 1; n <= c.Count; n++ {
		stream, err := cfg.Stream(n, func(at time.Duration) time.Time { return time.Unix(0, 0).Add(at) })
		if err != nil {
			return err
		}
		file, err := os.Create(strings.ReplaceAll(name, encoders.Placeholder, strconv.Itoa(n)))
		if err != nil {
			return err
		}
		err = encoders.Write(ctx, file, stream, c.Duration)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}
