package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/ingest/ingesttest"
)

// metric is a figure on a gateway's metrics page.
func (r *running) metric(t *testing.T, name string) float64 {
	t.Helper()
	page := get(t, "http://"+r.ops.Addr().String()+"/metrics")
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no metric %s", name)
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var impairAddr = regexp.MustCompile(`link (127\.0\.0\.1:\d+) > `)

// impairing runs "freshet bench impair" in front of a gateway's SRT port, and gives
// where to send to and what ends it and gives its report.
func impairing(t *testing.T, g *running, flags ...string) (addr string, end func() *report.Document) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var stdout bytes.Buffer
	log, done := &ingesttest.Log{}, make(chan int, 1)
	args := append([]string{"bench", "impair", "--listen", "127.0.0.1:0", "--to", g.srt.Addr().String(), "--json", "-"}, flags...)
	go func() { done <- run(ctx, args, &stdout, log) }()
	t.Cleanup(cancel)
	waitFor(t, "the network listens", func() bool { return impairAddr.MatchString(log.String()) })
	return impairAddr.FindStringSubmatch(log.String())[1], func() *report.Document {
		t.Helper()
		cancel()
		if code := <-done; code != 0 {
			t.Fatalf("exit code %d: %s", code, log)
		}
		return parseReport(t, &stdout)
	}
}

// An encoder behind 5 % of loss and a round trip of 40 ms, with six round trips of
// SRT latency: everything that was lost is repaired in time.
func TestSRTRepairsImpairedPush(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	g := startGateway(t, loopback())
	addr, end := impairing(t, g, "--delay", "20ms", "--loss", "5%")
	push, stop := context.WithTimeout(t.Context(), 12*time.Second)
	defer stop()
	cmd := exec.CommandContext(push, ffmpeg, "-v", "error", "-re", "-stream_loop", "-1", "-i", "demo/clip.ts", "-c", "copy", "-f", "mpegts", "-muxrate", "3M",
		fmt.Sprintf("srt://%s?streamid=publish:live/lossy&latency=240000&pkt_size=1316", addr))
	out := &ingesttest.Log{}
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // Killed when its time was up.
	count := counters(end())
	came, lost := count["packets_in direction=up link=link0"], count["dropped direction=up link=link0 reason=loss"]
	received, unrecovered := g.metric(t, "freshet_srt_packets_received_total"), g.metric(t, "freshet_srt_packets_unrecovered_total")
	t.Logf("up: %v packets, %v lost; SRT: %v received, %v missed at first, %v retransmitted, %v unrecovered", came, lost,
		received, g.metric(t, "freshet_srt_packets_lost_total"), g.metric(t, "freshet_srt_packets_retransmitted_total"), unrecovered)
	if received < 1500 || lost == 0 {
		t.Errorf("%v received, %v lost; ffmpeg: %s", received, lost, out)
	}
	// A machine that pauses is no bad network; a path too bad loses some percent.
	if unrecovered > received/1000 {
		t.Errorf("%v of %v unrecovered", unrecovered, received)
	}
}

func TestImpairRefuses(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"":                           "0 --listen and 0 --to: the scenario has 1 links",
		"--listen :0":                "1 --listen and 0 --to",
		"--scenario moon":            `no scenario "moon"; shipped are 5g`,
		"--loss 5":                   `--loss: "5" is no percentage`,
		"--up-rate 5":                `--up-rate: "5" is no rate`,
		"--mtu 5":                    "up.mtu: 5 is not between 68 and 65535",
		"--outage 5s":                `"5s" is no start and length such as 5s+1s`,
		"--outage 5s+1s --repeat 3s": "timeline[0].ends at 6s, after the timeline repeats (3s)",
		"--trace absent.csv":         "absent.csv: open absent.csv",
		"--tun imp0":                 "--tun: takes two devices",
		"--scenario bonded-van --listen :0 --to 127.0.0.1:1": "1 --listen and 1 --to: the scenario has 2 links",
	} {
		t.Run(flags, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append([]string{"bench", "impair"}, strings.Fields(flags)...), &stdout, &stderr)
			if code == 0 || !strings.Contains(stderr.String(), want) {
				t.Errorf("exit code %d: %s, want %s", code, stderr.String(), want)
			}
		})
	}
}

// Both links of the van run from one file, end by themselves, and report.
func TestImpairScenario(t *testing.T) {
	t.Parallel()
	sink, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	junit := filepath.Join(t.TempDir(), "impair.xml")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{
		"bench", "impair", "--scenario", "bonded-van", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
		"--to", sink.LocalAddr().String(), "--duration", "1200ms", "--up-loss", "50%", "--junit", junit,
	}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	for _, want := range []string{"operator-a up: 0 packets in", "operator-b down: 0 packets in"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%s does not say %q", stdout.String(), want)
		}
	}
	if text, err := os.ReadFile(junit); err != nil || !bytes.Contains(text, []byte(`name="own_loss"`)) {
		t.Errorf("%s, %v", text, err)
	}
	if !strings.Contains(stderr.String(), "operator-a 127.0.0.1:") || !strings.Contains(stderr.String(), "  up    in   0.000  out   0.000 Mbit/s") {
		t.Errorf("showed %s", stderr.String())
	}
}

func TestImpairLists(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	if code := run(t.Context(), []string{"bench", "impair", "--list"}, &stdout, &stdout); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if text := stdout.String(); !strings.Contains(text, "satellite  (SRT latency 2200 ms)\n  A news van") || !strings.Contains(text, "QUIC") {
		t.Error(text)
	}
}
