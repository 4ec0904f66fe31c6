//go:build !race

// The cases wait for silence and carry objects of megabytes: with the race detector,
// on a small machine, they would measure that. scripts/test runs them without.

package main

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/interop"
	"github.com/freshet-live/freshet/configs"
)

var notOK = regexp.MustCompile(`(?m)^not ok (.*\n(  .*\n)*)`)

// All that the drafts ask of a relay, by the client for it, through one gateway and
// through three whose hops speak one draft and the other.
func TestInterop(t *testing.T) {
	for _, scheme := range []string{"https", "moqt"} {
		for _, draft := range []string{"16", "18"} {
			t.Run(scheme+" "+draft, func(t *testing.T) {
				t.Parallel()
				open := loopback()
				open.MoQ.Publish = true
				origin := startGateway(t, open)
				mid := startGateway(t, belowAt(origin, "https", 16))
				edge := startGateway(t, belowAt(mid, "moqt", 18))
				t.Run("one relay", func(t *testing.T) { runInterop(t, draft, scheme, origin, origin) })
				t.Run("three relays", func(t *testing.T) { runInterop(t, draft, scheme, origin, edge) })
			})
		}
	}
}

// belowAt is a relay below g that speaks one draft with it.
func belowAt(g *running, scheme string, draft int) configs.Config {
	cfg := below(g, g.moqURL(scheme))
	cfg.Relay.Parents[0].Draft = draft
	return cfg
}

// runInterop publishes at first and subscribes at last.
func runInterop(t *testing.T, draft, scheme string, first, last *running) {
	t.Helper()
	args := []string{"interop", "--verbose", "--draft", draft, "--relay", first.moqURL(scheme), "--subscribe", last.moqURL(scheme)}
	for _, g := range []*running{first, last} {
		hash := g.certs.Hash()
		args = append(args, "--fingerprint", hex.EncodeToString(hash[:]))
	}
	var out, errs strings.Builder
	code := run(t.Context(), args, &out, &errs)
	for _, failed := range notOK.FindAllString(out.String(), -1) {
		t.Error(failed)
	}
	if n := len(interop.Cases()); strings.Count(out.String(), "\nok ") != n || !strings.Contains(out.String(), fmt.Sprintf("\n1..%d\n", n)) {
		t.Errorf("not %d cases:\n%s", n, out.String())
	}
	if code != 0 {
		t.Errorf("exit %d, %s", code, errs.String())
	}
}
