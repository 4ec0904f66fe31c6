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

// What the runner asks of a client beside its cases.
func TestInteropClient(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"interop", "-t", "unheard-of"}, &out, &errs); code != 127 {
		t.Errorf("exit %d for a case that is not there", code)
	}
	if code := run(t.Context(), []string{"interop", "--list"}, &out, &errs); code != 0 || !strings.HasPrefix(out.String(), "setup-only\nannounce-only\n") {
		t.Errorf("exit %d, list %q", code, out.String())
	}
	out.Reset()
	t.Setenv("RELAY_URL", "moqt://127.0.0.1:1")
	t.Setenv("TESTCASE", "setup-only")
	if code := run(t.Context(), []string{"interop", "--tls-disable-verify"}, &out, &errs); code != 1 || !strings.Contains(out.String(), "\n1..1\nnot ok 1 - setup-only\n  ---\n") {
		t.Errorf("exit %d, %s", code, out.String())
	}
}
