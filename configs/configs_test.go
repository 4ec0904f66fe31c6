package configs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/configs"
)

func TestEveryExampleFileLoads(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("example files: %v, %v", files, err)
	}
	for _, file := range files {
		if _, err := configs.Load(file); err != nil {
			t.Error(err)
		}
	}
}

// The commented example shows the defaults, and every key there is.
func TestExampleHoldsTheDefaults(t *testing.T) {
	got, err := configs.Load("freshet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Default()
	want.Auth.Public, want.Auth.Relays.Names = []string{}, []string{}
	want.SRT.Streams = []configs.Stream{}
	want.RTSP.Pull = []configs.RTSPPull{}
	want.Cluster.NATS, want.Cluster.Routes, want.Cluster.Leaf = []string{}, []string{}, []string{}
	want.Relay.Parents, want.Relay.Fingerprints = []configs.Parent{}, []string{}
	want.Swarm.STUNURLs, want.Swarm.Fallbacks = []string{}, []string{}
	want.Swarm.MobileASNs, want.Swarm.OffASNs = []uint32{}, []uint32{}
	want.Swarm.Consent.Ask, want.Swarm.Consent.Allow, want.Swarm.Consent.Off = []string{}, []string{}, []string{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-default +freshet.yaml)\n%s", diff)
	}
	text, err := os.ReadFile("freshet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"address", "latency", "passphrase", "default_stream", "streams", "path", "hold", "http", "https", "cert", "key",
		"hosts", "origins", "segment", "part", "max_lag", "window", "pprof", "level", "format", "deadline",
	} {
		if !bytes.Contains(text, []byte(key+":")) {
			t.Errorf("freshet.yaml does not show %q", key)
		}
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := configs.Default().Validate(); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, text string) (configs.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return configs.Load(file)
}

func TestLoadKeepsDefaults(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"comment":       "# nothing\n",
		"empty section": "srt:\nweb:\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(configs.Default(), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadReadsValues(t *testing.T) {
	got, err := load(t, `
srt:
  latency: 1s500ms
  passphrase: 01234567890
  streams:
    - path: live/*
      passphrase: "secret-of-live"
    - {path: open/cam}
web: {hosts: [a.example, "::1"]}
metrics: {address: "", pprof: true}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := configs.Default()
	want.SRT.Latency = 1500 * time.Millisecond
	want.SRT.Passphrase = "01234567890"
	want.SRT.Streams = []configs.Stream{{Path: "live/*", Passphrase: "secret-of-live"}, {Path: "open/cam"}}
	want.Web.Hosts = []string{"a.example", "::1"}
	want.Metrics = configs.Metrics{PProf: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadNamesEveryMistakeWithItsLine(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // "line key", in the order of the lines
	}{
		{"all at once", `
srt:
  addr: ":1"
  latency: 120
  passphrase: short
  default_stream: live/../x
  streams:
    - path: live/[
    - path: a/b
      passphrase: 123
web:
  https: nowhere
  http: ":99999"
  cert: only.pem
  origins: [example.com]
hls: {segment: 500ms}
metrics:
  pprof: maybe
log:
  level: loud
nonsense: 1
`, []string{
			"3 srt.addr", "4 srt.latency", "5 srt.passphrase", "6 srt.default_stream", "8 srt.streams[0].path",
			"10 srt.streams[1].passphrase", "12 web.https", "13 web.http", "14 web.cert", "15 web.origins[0]",
			"16 hls.segment", "18 metrics.pprof", "20 log.level", "21 nonsense",
		}},
		{"missing value is told where it should be", "\nsrt:\n  streams:\n  - passphrase: long-enough-secret\n", []string{"4 srt.streams[0].path"}},
		{"wrong shapes", "srt: 5\nweb:\n  hosts: one\nlog: [a]\ndrain:\n  deadline: {a: 1}\n", []string{"1 srt", "3 web.hosts", "4 log", "6 drain.deadline"}},
		{"list in place of a value", "log:\n  level: [info]\n", []string{"2 log.level"}},
		{"no group", "relay:\n  memory: -1\n  group_memory: 0\n", []string{"2 relay.memory", "3 relay.group_memory"}},
		{"two limits", "hls:\n  segment: 8s\n", []string{"1 relay.window"}},
		{"rtsp", `
rtsp:
  address: nowhere
  rtp_address: ":8001"
  pull:
    - name: live/../x
      url: http://user:hush@camera/
      transport: pigeon
    - name: live/a
      url: "rtsp://user:hush%zz@camera/"
    - name: live/a
      url: rtsp://camera/
`, []string{
			"3 rtsp.address", "4 rtsp.rtp_address", "6 rtsp.pull[0].name", "7 rtsp.pull[0].url", "8 rtsp.pull[0].transport",
			"10 rtsp.pull[1].url", "11 rtsp.pull[2].name",
		}},
		{"auth", `
auth:
  open: true
  keys: keys.pem
  jwks: http://issuer.example.com/jwks.json
  relays:
    names: ["["]
`, []string{"3 auth.open", "5 auth.jwks", "7 auth.relays.names", "7 auth.relays.names[0]"}},
		{
			"an edge that could sign", "node:\n  tier: edge\nrelay:\n  parents: [{url: \"moqt://o:1\"}]\nswarm:\n  enabled: true\n  key: swarm.pem\n",
			[]string{"7 swarm.key"},
		},
		{"a swarm that cannot be", `
swarm:
  delay: 100ms
  share: 0.9
  control: 0.2
  min_viewers: 1
  min_load: 0.5
  stun: ":3478"
  admission: refuse
  consent:
    default: maybe
    off: [CN, Germany]
    ask: [CN]
  off_asns: [64500]
  fallbacks: ["edge-b"]
`, []string{
			"2 swarm.stun_urls", "2 swarm.country_database", "2 swarm.asn_database", "3 swarm.delay", "4 swarm.share",
			"5 swarm.control", "6 swarm.min_viewers", "7 swarm.min_load", "9 swarm.admission", "11 swarm.consent.default",
			"12 swarm.consent.off[0]", "12 swarm.consent.off[1]", "15 swarm.fallbacks[0]",
		}},
		{"audience of nothing", "auth:\n  audience: us\n", []string{"2 auth.audience"}},
		{
			"a voter without a name", "cluster:\n  listen: 127.0.0.1:6222\n  routes: [nats://127.0.0.1:6222]\n  dir: /tmp\nnode:\n  tier: mid\n",
			[]string{"5 node.id"},
		},
		{"no URL", "web:\n  moq_url: live.example.com/moq\n", []string{"2 web.moq_url"}},
		{"alias", "log: &a\n  level: info\n", []string{"1 log"}},
		{"not YAML", "srt:\n  address: \":1\"\n\tlatency: 1s\n", []string{"3 "}},
		{"two documents", "srt:\n---\nweb:\n", []string{"2 "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text)
			if err == nil {
				t.Fatal("no error")
			}
			var got []string
			for _, m := range mistakes(t, err) {
				got = append(got, fmt.Sprintf("%d %s", m.Line, m.Key))
				if m.Text == "" || !strings.HasPrefix(m.Error(), m.File+":") {
					t.Errorf("mistake reads %q", m.Error())
				}
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("%v shows a password", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func mistakes(t *testing.T, err error) []*configs.MistakeError {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not a join: %v", err)
	}
	out := make([]*configs.MistakeError, 0, len(joined.Unwrap()))
	for _, e := range joined.Unwrap() {
		m, ok := errors.AsType[*configs.MistakeError](e)
		if !ok {
			t.Fatalf("not a mistake: %v", e)
		}
		out = append(out, m)
	}
	return out
}

func TestDuplicateKey(t *testing.T) {
	_, err := load(t, "log:\n  level: info\n  level: warn\n")
	if err == nil || !strings.Contains(err.Error(), ":3:") {
		t.Errorf("duplicate key: %v", err)
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := configs.Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	cfg := configs.Default()
	cfg.SRT.Passphrase = "hush-hush-hush"
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "secret", cfg.SRT.Passphrase, "all", cfg)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "secret", cfg.SRT.Passphrase, "all", cfg)
	fmt.Fprintf(&b, "%v %+v %#v %s %q", cfg, cfg, cfg, cfg.SRT.Passphrase, cfg.SRT.Passphrase)
	if err := json.NewEncoder(&b).Encode(cfg); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte("hush")) {
		t.Errorf("shown: %s", b.String())
	}
	if !bytes.Contains(b.Bytes(), []byte("[redacted]")) {
		t.Errorf("nothing redacted: %s", b.String())
	}
}

func FuzzLoad(f *testing.F) {
	for _, file := range []string{"freshet.yaml", "secure.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("srt: {streams: [{path: }, ~, [], &a x, *a]}"))
	f.Add([]byte("? a\n: b\n<<: *x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := load(t, string(text))
		if err == nil && cfg.Validate() != nil {
			t.Errorf("loaded and not valid: %v", cfg.Validate())
		}
	})
}
