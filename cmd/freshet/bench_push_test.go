package main

import (
	"bytes"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest/ingesttest"
)

// smallPattern is little to send and to decode.
var smallPattern = []string{"bench", "push", "pattern", "--size", "320x180", "--rate", "1mbit", "--gop", "15"}

// benchPush runs the command, which must succeed.
func benchPush(t *testing.T, args ...string) {
	t.Helper()
	var stdout bytes.Buffer
	var stderr ingesttest.Log // Encoders write to it beside each other.
	if code := run(t.Context(), append(slices.Clone(smallPattern), args...), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
}

// benchPushReport runs the command and reads what it reports.
func benchPushReport(t *testing.T, args ...string) *report.Document {
	t.Helper()
	var stdout bytes.Buffer
	var stderr ingesttest.Log // Encoders write to it beside each other.
	args = append(append(slices.Clone(smallPattern), "--json", "-"), args...)
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	return parseReport(t, &stdout)
}

func parseReport(t *testing.T, lines io.Reader) *report.Document {
	t.Helper()
	d, err := report.Read(lines)
	if err != nil {
		t.Fatal(err)
	}
	if d.End == nil {
		t.Fatal("the report has no end")
	}
	return d
}

// counters are those of a report, by name and labels.
func counters(d *report.Document) map[string]int64 {
	out := make(map[string]int64)
	for _, c := range d.Counters {
		out[strings.TrimSpace(c.Name+" "+c.Labels.String())] = c.Value
	}
	return out
}

// samples are the values of a series.
func samples(d *report.Document, name string) []float64 {
	var out []float64
	for _, s := range d.Samples {
		if s.Name == name {
			out = append(out, s.Value)
		}
	}
	return out
}

// sentPictures are the hashes of what an encoder sends, by a file of the same seed.
func sentPictures(t *testing.T, ffmpeg string, args ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sent.ts")
	benchPush(t, append(args, "--to", "file:"+file)...)
	return pictures(t, ffmpeg, file)
}

// What is served is what was sent, picture for picture, whatever it came over. Only
// datagrams may lose some, for nobody repairs them.
func TestBenchPushEveryWay(t *testing.T) {
	t.Parallel()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	cfg := open()
	const secret = "correct-horse-battery"
	cfg.SRT.Streams = []configs.Stream{{Path: "live/secret", Passphrase: secret}}
	g := startGateway(t, cfg)
	sent := sentPictures(t, ffmpeg, "--mark", "--duration", "8s")
	targets := g.targets()
	delete(targets, "datagram")
	// A machine that pauses loses nothing.
	targets["quic"] += "?latency=5000"
	targets["srt"] += "&latency=3000"
	targets["secret"] = "srt://127.0.0.1:" + port(g.srt.Addr()) + "?streamid=publish:live/secret&latency=3000&passphrase=" + secret
	for name, to := range targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := benchPushReport(t, "--mark", "--duration", "8s", "--to", to, "--fingerprint", g.fingerprint()[0])
			if up := samples(d, "up"); len(up) < 5 || up[len(up)-1] != 1 || counters(d)["reconnects"] != 0 {
				t.Errorf("up %v, %v", up, counters(d))
			}
			got := pictures(t, ffmpeg, g.download(t, "/live/"+name+"/video/"))
			first := slices.Index(sent, got[0])
			// MoQ joins where the publisher is by then: late on a busy machine.
			if first < 0 || first > 120 {
				t.Fatalf("the first of %d pictures is number %d of those sent", len(got), first)
			}
			// The end came in the midst of the last picture, of the file as of the stream.
			n := min(len(got), len(sent)-first) - 1
			if n < 100 {
				t.Errorf("%d pictures to compare", n)
			}
			for i := range n {
				if got[i] != sent[first+i] {
					t.Fatalf("of %d pictures, which are those sent from number %d on, number %d differs; it is the one sent as number %d",
						len(got), first, i, slices.Index(sent, got[i]))
				}
			}
		})
	}
}

// Two encoders, of which one is killed: it alone connects again.
func TestBenchPushKill(t *testing.T) {
	t.Parallel()
	g := startGateway(t, open())
	faults := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(faults, []byte("faults: [2s kill 500ms @2]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := benchPushReport(t, "-n", "2", "--ramp", "500ms", "--duration", "6s", "--faults", faults, "--fault", "1s stall 100ms",
		"--to", "srt://127.0.0.1:"+port(g.srt.Addr())+"?streamid=publish:live/bench-{n}")
	got := counters(d)
	if got["reconnects"] != 1 || got["faults kind=kill"] != 1 || got["faults kind=stall"] != 2 || got["bytes_sent"] < 1_000_000 {
		t.Errorf("%v", got)
	}
	if up := samples(d, "up"); slices.Max(up) != 2 || up[len(up)-1] != 2 {
		t.Errorf("up %v", up)
	}
	if rates := samples(d, "bitrate"); slices.Max(rates) < 1.5e6 || slices.Max(rates) > 4e6 || len(samples(d, "rtt")) == 0 {
		t.Errorf("bitrate %v, rtt %v", rates, samples(d, "rtt"))
	}
	for _, s := range d.Timeline() {
		if s.Name != "kill" {
			continue
		}
		if s.Subject != "encoder 2" || s.Until == nil || math.Abs(float64(*s.Until-s.At)-.5) > .001 {
			t.Errorf("%+v until %v", s.Event, s.Until)
		}
	}
	if n := len(d.Timeline()); n < 6 {
		t.Errorf("%d events, where three faults began and ended", n)
	}
	if groups := d.DistributionGroups(); len(groups) != 1 || groups[0].Name != "late" || groups[0].Series[0].Total.Count() < 500 {
		t.Errorf("distributions %+v", groups)
	}
}

// Encoders that never had a connection have measured nothing, and the exit code says so.
func TestBenchPushToNobody(t *testing.T) {
	t.Parallel()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0") // It does not answer.
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	var stdout, stderr bytes.Buffer
	args := append(slices.Clone(smallPattern), "--to", "srt://"+socket.LocalAddr().String(), "--duration", "1s", "--json", "-")
	if code := run(t.Context(), args, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "0 of 1 encoders had a connection") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if d := parseReport(t, &stdout); d.End.Failed != 1 {
		t.Errorf("%+v", d.End)
	}
}

// One command, one file.
func TestBenchPushIsDeterministic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, seed string) []byte {
		benchPush(t, "--mark", "--duration", "5s", "--seed", seed, "-n", "2", "--churn", "30/m", "--fault", "1s corrupt 2%",
			"--to", "file:"+filepath.Join(dir, name+"-{n}.ts"))
		b, err := os.ReadFile(filepath.Join(dir, name+"-2.ts"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a := write("a", "5")
	if len(a) < 300_000 || !bytes.Equal(a, write("b", "5")) {
		t.Errorf("%d bytes, and others in the second run", len(a))
	}
	if bytes.Equal(a, write("c", "6")) {
		t.Error("another seed, the same bytes")
	}
}

func TestBenchPushRefuses(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"--to file:x.ts":                                   "a file needs --duration",
		"-n 2 --duration 1s --to file:x.ts":                "2 encoders need {n}",
		"--duration 1s --to file:x.ts --json x.jsonl":      "nothing to report",
		"--to - --json -":                                  "takes one of them",
		"--to srt://h:1 -n 2":                              "2 encoders need {n}",
		"--to srt://h:1 --trace absent.csv --rate 0":       "absent.csv",
		"--to srt://h:1 --rate 10kbit":                     "is too little for 320x180",
		"--to srt://h:1 --size 7":                          `"7" is no size`,
		"--to srt://h:1 --churn 5":                         `"5" is no frequency`,
		"--to srt://h:1 --faults absent.yaml":              "absent.yaml",
		"--to moqt://h:1/live/x?draft=3":                   `draft "3" is not spoken`,
		"--duration 1s --fault @2 --to file:/no/such/x.ts": "no duration",
	} {
		t.Run(flags, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append(slices.Clone(smallPattern), strings.Fields(flags)...)
			if code := run(t.Context(), args, &stdout, &stderr); code == 0 || !strings.Contains(stderr.String(), want) {
				t.Errorf("exit code %d: %s, want %s", code, stderr.String(), want)
			}
		})
	}
}
