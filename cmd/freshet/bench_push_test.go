package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/configs"
)

// smallPattern is little to send and to decode.
var smallPattern = []string{"bench", "push", "pattern", "--size", "320x180", "--rate", "1mbit", "--gop", "15"}

// benchPush runs the command and gives its report.
func benchPush(t *testing.T, args ...string) map[string]any {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), append(slices.Clone(smallPattern), args...), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if stdout.Len() == 0 {
		return nil
	}
	var report map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	return report
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
	targets["quic"] += "?latency=5000" // A machine that pauses loses nothing.
	targets["secret"] = "srt://127.0.0.1:" + port(g.srt.Addr()) + "?streamid=publish:live/secret&passphrase=" + secret
	for name, to := range targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := benchPush(t, "--mark", "--duration", "8s", "--report", "json", "--to", to, "--fingerprint", g.fingerprint()[0])
			if report["up"] != 1.0 || report["reconnects"] != 0.0 {
				t.Errorf("%v", report)
			}
			got := pictures(t, ffmpeg, g.download(t, "/live/"+name+"/video/"))
			first := slices.Index(sent, got[0])
			if first < 0 || first > 60 {
				t.Fatalf("the first of %d pictures is number %d of those sent", len(got), first)
			}
			n := min(len(got), len(sent)-first)
			if !slices.Equal(got[:n], sent[first:first+n]) {
				t.Errorf("%d pictures differ from those sent, from %d on", n, first)
			}
		})
	}
}

// Two encoders, of which one is killed: it alone connects again.
func TestBenchPushKill(t *testing.T) {
	g := startGateway(t, open())
	faults := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(faults, []byte("faults: [2s kill 500ms @2]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report := benchPush(t, "-n", "2", "--ramp", "500ms", "--duration", "6s", "--report", "json", "--faults", faults, "--fault", "1s stall 100ms",
		"--to", "srt://127.0.0.1:"+port(g.srt.Addr())+"?streamid=publish:live/bench-{n}")
	if report["up"] != 2.0 || report["reconnects"] != 1.0 {
		t.Errorf("%v", report)
	}
	if f, _ := report["faults"].(map[string]any); f["kill"] != 1.0 || f["stall"] != 2.0 {
		t.Errorf("faults %v", report["faults"])
	}
}

// One command, one file.
func TestBenchPushIsDeterministic(t *testing.T) {
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
	for flags, want := range map[string]string{
		"--to file:x.ts":                                   "a file needs --duration",
		"-n 2 --duration 1s --to file:x.ts":                "2 encoders need {n}",
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
