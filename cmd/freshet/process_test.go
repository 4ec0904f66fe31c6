package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest/ingesttest"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// TestMain lets the test binary be the program itself.
func TestMain(m *testing.M) {
	if os.Getenv("FRESHET_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(tests(m))
}

// scratch is a folder for what tests share; it is removed after the last.
var scratch string

func tests(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "freshet-test-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)
	flag.Parse()
	if !given("test.parallel") {
		_ = flag.Set("test.parallel", waiting) // It is a number.
	}
	return m.Run()
}

// waiting is how many of the tests that say so run at one time, however few processors
// there are: they spend their time waiting for media to be played. Those that judge how
// long something took, or end what lasts some seconds, say nothing and run alone.
const waiting = "6"

func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// program starts freshet as a process of its own.
func program(t *testing.T, args ...string) (*exec.Cmd, *ingesttest.Log) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "FRESHET_TEST_MAIN=1")
	log := &ingesttest.Log{}
	cmd.Stderr = log
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return cmd, log
}

// exit waits for a process and gives how it ended.
func exit(t *testing.T, cmd *exec.Cmd) *os.ProcessState {
	t.Helper()
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // The state tells more than its error.
	return cmd.ProcessState
}

const quietConfig = `
srt: {address: "127.0.0.1:0"}
web: {http: "", https: "127.0.0.1:0"}
metrics: {address: ""}
drain: {deadline: 1m}
`

var httpsAddr = regexp.MustCompile(`https=(127\.0\.0\.1:\d+)`)

// serving starts "freshet serve" and gives its address.
func serving(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "freshet.yaml")
	if err := os.WriteFile(file, []byte(quietConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, log := program(t, "serve", "--config", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	deadline := time.Now().Add(15 * time.Second)
	for time.Now().Before(deadline) {
		if m := httpsAddr.FindStringSubmatch(log.String()); m != nil {
			return cmd, m[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the gateway did not start")
	return nil, ""
}

func TestServeEndsOnSIGTERM(t *testing.T) {
	cmd, _ := serving(t)
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state := exit(t, cmd); state.ExitCode() != 0 {
		t.Errorf("ended with %v", state)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("an idle gateway took %v to end", d)
	}
}

// A viewer that stays makes the gateway wait; the second signal does not.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	cmd, addr := serving(t)
	// The certificate is the other process's own; the session counts here.
	conn, err := quicconn.Dial(t.Context(), addr, &tls.Config{InsecureSkipVerify: true}, wire.Protocols(), nil)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	client, err := moqt.NewClient(t.Context(), conn, moqt.ClientConfig{OnGoaway: func(string, time.Duration) { close(told) }})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("no GOAWAY")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	state := exit(t, cmd)
	if status, ok := state.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", state)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// The demo prints URLs that work.
func TestDemo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	log := &ingesttest.Log{}
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"demo"}, writer, log) }()
	t.Cleanup(func() {
		cancel()
		_ = reader.Close()
		if code := <-done; code != 0 {
			t.Errorf("exit code %d: %s", code, log)
		}
	})
	urls := make(map[string]string)
	lines := bufio.NewScanner(reader)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		for _, what := range []string{"Watch", "LL-HLS", "MoQ", "Push your own"} {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), what); ok {
				urls[what] = strings.Fields(rest)[0]
			}
		}
	}
	if body := get(t, urls["LL-HLS"]); !strings.Contains(body, "RESOLUTION=1280x720") {
		t.Errorf("playlist: %s", body)
	}
	if body := get(t, urls["Watch"]); !strings.Contains(body, "<html") {
		t.Errorf("page: %s", body)
	}
	if !strings.HasPrefix(urls["MoQ"], "https://127.0.0.1:") || !strings.HasPrefix(urls["Push your own"], "srt://127.0.0.1:") {
		t.Errorf("printed %v", urls)
	}
}
