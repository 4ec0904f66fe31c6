package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Native viewers on this machine, over real sockets: from the packager by the edge and
// by each other. They have a minute to come to a second of which most is from peers; a
// machine for itself takes ten of them, and goes on at four fifths of all bytes.
// Nothing that they see is false.
func TestBenchPeers(t *testing.T) {
	const enough = 50 // Percent of a second's bytes. With six viewers at most 83 can be.
	cfg := loopback()
	cfg.Swarm.Enabled, cfg.Swarm.LAN = true, true
	cfg.Swarm.MinViewers, cfg.Swarm.Control, cfg.Swarm.MinLoad = 2, 0, 0
	g := startGateway(t, cfg)
	g.push(t)
	get(t, g.url("/live/demo/video/index.m3u8"))
	hash := g.certs.Hash()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	out, errs := &peersOutput{enough: enough, reached: cancel}, new(strings.Builder)
	code := run(ctx, []string{
		"bench", "peers", g.moqURL("https"), "--broadcast", string(demoName), "--fingerprint", hex.EncodeToString(hash[:]),
		"--lan", "-n", "6", "--ramp", "1s", "--warmup", "1s", "--duration", "60s", "--min-offload", "1%",
	}, out, errs)
	t.Log(out.all.String())
	_, sum, _ := strings.Cut(out.all.String(), "in all ")
	if code != 0 || !strings.Contains(sum, "false pieces 0, false beacons 0") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if out.most < enough {
		t.Errorf("never more than %.1f %% of a second's bytes came from peers", out.most)
	}
}

// peersOutput reads what bench peers prints, and ends it once peers bring enough.
type peersOutput struct {
	all     bytes.Buffer
	enough  float64
	most    float64 // Of any second, percent.
	reached func()
}

var secondOfPeers = regexp.MustCompile(`edge: peers ([0-9.]+) %`)

func (o *peersOutput) Write(b []byte) (int, error) {
	if m := secondOfPeers.FindSubmatch(b); m != nil {
		share, _ := strconv.ParseFloat(string(m[1]), 64) // The expression lets nothing else through.
		if o.most = max(o.most, share); o.most >= o.enough {
			o.reached()
		}
	}
	return o.all.Write(b)
}
