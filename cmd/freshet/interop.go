package main

import (
	"context"
	"fmt"

	"github.com/freshet-live/freshet/bench/interop"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// interopCommand has the flags and the environment that englishm/moq-interop-runner
// asks of a test client (docs/TEST-CLIENT-INTERFACE.md), and a few more.
type interopCommand struct {
	Relay     string `help:"The relay: https://HOST:4443/moq for WebTransport, moqt://HOST:4443 for QUIC." short:"r" default:"https://localhost:4443" env:"RELAY_URL" placeholder:"URL"`
	Subscribe string `help:"Where subscribers connect to, when that is another relay than the publishers'." placeholder:"URL"`
	Test      string `help:"Run one case; all without one." short:"t" env:"TESTCASE" placeholder:"CASE"`
	List      bool   `help:"List the cases." short:"l"`
	Verbose   bool   `help:"Say what was seen." short:"v" env:"VERBOSE"`
	Draft     int    `help:"Speak this draft; the newest that both know without." enum:"0,16,18" default:"0"`
	Token     string `help:"A token to show."`

	NoVerify    bool     `name:"tls-disable-verify" help:"Take any certificate." env:"TLS_DISABLE_VERIFY"`
	Fingerprint []string `help:"The SHA-256 hash of the relay's certificate." placeholder:"HEX"`
	CA          string   `name:"ca" help:"A PEM file of those who certify the relay." placeholder:"FILE"`
}

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

func (c interopCommand) Run(ctx context.Context, con console) error {
	cases := interop.Cases()
	if c.List {
		for _, k := range cases {
			fmt.Fprintln(con.out, k.Name)
		}
		return nil
	}
	if c.Test != "" {
		k, ok := interop.Find(c.Test)
		if !ok {
			return exitError{127, fmt.Sprintf("no case is named %q, see --list", c.Test)}
		}
		cases = []interop.Case{k}
	}
	conf, err := parentTLS(configs.Relay{CA: c.CA, Fingerprints: c.Fingerprint, Insecure: c.NoVerify})
	if err != nil {
		return err
	}
	target := interop.Target{Publish: c.Relay, Subscribe: c.Subscribe, Token: c.Token, Verbose: c.Verbose}
	if target.Subscribe == "" {
		target.Subscribe = c.Relay
	}
	target.Dial = func(ctx context.Context, url string) (moqt.Conn, error) {
		return dialMoQ(ctx, url, conf, protocolsOf(c.Draft))
	}
	if failed := interop.Run(ctx, con.out, target, cases); failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(cases))
	}
	return nil
}

// protocolsOf names a draft; zero stands for all that are spoken.
func protocolsOf(draft int) []string {
	if draft == 0 {
		return wire.Protocols()
	}
	return []string{fmt.Sprintf("moqt-%d", draft)}
}
