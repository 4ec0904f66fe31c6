package main

import (
	"encoding/hex"
	"strings"
	"testing"
)

// Native viewers on this machine, over real sockets: from the packager by the edge
// and by each other. How much they share is for runs that have the machine for
// themselves; here they must share at all, and see nothing that is false.
func TestBenchPeers(t *testing.T) {
	cfg := loopback()
	cfg.Swarm.Enabled, cfg.Swarm.LAN = true, true
	cfg.Swarm.MinViewers, cfg.Swarm.Control, cfg.Swarm.MinLoad = 2, 0, 0
	g := startGateway(t, cfg)
	g.push(t)
	get(t, g.url("/live/demo/video/index.m3u8"))
	hash := g.certs.Hash()
	var out, errs strings.Builder
	code := run(t.Context(), []string{
		"bench", "peers", g.moqURL("https"), "--broadcast", string(demoName), "--fingerprint", hex.EncodeToString(hash[:]),
		"--lan", "-n", "4", "--ramp", "1s", "--warmup", "4s", "--duration", "6s", "--min-offload", "1%",
	}, &out, &errs)
	t.Log(out.String())
	if code != 0 || !strings.Contains(out.String(), "false pieces 0, false beacons 0") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
