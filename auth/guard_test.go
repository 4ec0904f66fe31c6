package auth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/freshet-live/freshet/auth"
)

// Who shows no token is judged by what else is known.
func TestWithoutToken(t *testing.T) {
	local, far := "127.0.0.1:5000", "192.0.2.7:5000"
	keyed := func(t *testing.T, c auth.Config) *auth.Guard { t.Helper(); return guard(t, opensslKey, c) }
	plain := func(t *testing.T, c auth.Config) *auth.Guard {
		t.Helper()
		g, err := auth.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	public := auth.Config{Public: []string{"live"}}
	for _, tt := range []struct {
		name string
		make func(*testing.T, auth.Config) *auth.Guard
		cfg  auth.Config
		r    auth.Request
		want auth.Reason
	}{
		{"this machine", plain, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Remote: local}, ""},
		{"this machine, IPv6", plain, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Remote: "[::1]:1"}, ""},
		{"this machine, mapped", plain, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Remote: "[::ffff:127.0.0.1]:1"}, ""},
		{"a proxy here", plain, auth.Config{}, auth.Request{Action: auth.Subscribe, Path: "a", Remote: local, Forwarded: true}, auth.NotOpen},
		{"another machine", plain, auth.Config{}, auth.Request{Action: auth.Subscribe, Path: "a", Remote: far}, auth.NotOpen},
		{"nobody knows where", plain, auth.Config{}, auth.Request{Action: auth.Subscribe, Path: "a"}, auth.NotOpen},
		{"a token that nobody can check", plain, auth.Config{}, auth.Request{Action: auth.Subscribe, Path: "a", Remote: far, Token: opensslToken}, auth.NotOpen},
		{"open", plain, auth.Config{Open: true}, auth.Request{Action: auth.Publish, Path: "a", Remote: far}, ""},
		{"a passphrase", plain, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Remote: far, Passphrase: true}, ""},
		{"a passphrase to watch", plain, auth.Config{}, auth.Request{Action: auth.Subscribe, Path: "a", Remote: far, Passphrase: true}, auth.NotOpen},
		{"public", plain, public, auth.Request{Action: auth.Subscribe, Path: "live/a", Remote: far}, ""},
		{"beside what is public", plain, public, auth.Request{Action: auth.Subscribe, Path: "livestock", Remote: far}, auth.NotOpen},
		{"public, to publish", plain, public, auth.Request{Action: auth.Publish, Path: "live/a", Remote: far}, auth.NotOpen},
		{"public, to be told", plain, public, auth.Request{Action: auth.Discover, Remote: far}, ""},
		{"keys, this machine", keyed, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Remote: local}, auth.NoToken},
		{"keys, everybody's passphrase", keyed, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Passphrase: true}, auth.NoToken},
		{"keys, its own passphrase", keyed, auth.Config{}, auth.Request{Action: auth.Publish, Path: "a", Passphrase: true, OwnPassphrase: true, Token: "1234"}, ""},
		{"keys, public", keyed, public, auth.Request{Action: auth.Subscribe, Path: "live/a", Token: "stale"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.make(t, tt.cfg).Judge(t.Context(), tt.r)
			var got auth.Reason
			if refused, ok := errors.AsType[*auth.Error](err); ok {
				got = refused.Reason
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestDiscoverShowsWhatMayBeWatched(t *testing.T) {
	g := guard(t, opensslKey, auth.Config{Public: []string{"open"}})
	grant, err := g.Judge(t.Context(), auth.Request{Action: auth.Discover, Token: opensslToken})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"live/x": true, "open/x": true, "other": false} {
		if got := grant.Visible(path); got != want {
			t.Errorf("%s is visible: %v", path, got)
		}
	}
}

// What is refused is counted, and told to the audit, but not without end, and never with
// the token.
func TestRefusalsAreRecorded(t *testing.T) {
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	g := guard(t, opensslKey, auth.Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Registerer: reg})
	for range 1000 {
		r := auth.Request{Door: "hls", Action: auth.Subscribe, Path: "elsewhere", Remote: "192.0.2.7:1", Token: opensslToken}
		if _, err := g.Admit(t.Context(), r); err == nil {
			t.Fatal("granted")
		}
	}
	want := `# HELP freshet_auth_refused_total Requests that were not authorised, by door and reason.
# TYPE freshet_auth_refused_total counter
freshet_auth_refused_total{door="hls",reason="wrong_path"} 1000
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "freshet_auth_refused_total"); err != nil {
		t.Error(err)
	}
	lines := strings.Count(log.String(), "\n")
	if lines < 20 || lines > 100 || !strings.Contains(log.String(), "192.0.2.7") || strings.Contains(log.String(), opensslToken[:40]) {
		t.Errorf("%d lines: %.300s", lines, log.String())
	}
}

// A file is taken over when it is whole and good; before, the old keys count.
func TestFileChanges(t *testing.T) {
	m := newMinter(t)
	fresh := m.token(nil, jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix(), "get": ""})
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "keys")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		write(m.public)
		g, err := auth.New(auth.Config{KeyFile: file})
		if err != nil {
			t.Fatal(err)
		}
		defer run(g)()
		// The bubble's clock stands in the year 2000, when no token was expired yet.
		issuedLater := func(want auth.Reason, why string) {
			if got := reason(t, g, "a", fresh); got != want {
				t.Errorf("%s: %q, want %q", why, got, want)
			}
		}
		issuedLater("", "at first")
		write("-----BEGIN")
		issuedLater("", "with a broken file")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		issuedLater("", "without the file")
		write(opensslKey)
		issuedLater(auth.WrongKey, "with another key")
		write(opensslKey + m.public)
		issuedLater("", "with both")
	})
}

// run works a Guard until the function is called.
func run(g *auth.Guard) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Run(ctx) }()
	return func() { cancel(); <-done }
}

// issuer is a web server in the bubble, with a fault switch.
type issuer struct {
	mu     sync.Mutex
	body   string
	status int
	asked  int
	hang   bool
}

func (i *issuer) set(status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, body
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.asked++
	status, body, hang := i.status, i.body, i.hang
	if r.URL.String() == elsewhereURL {
		status = http.StatusOK
	}
	i.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: r, Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Location": {elsewhereURL}},
	}, nil
}

const (
	keyURL = "https://issuer.example/jwks.json"
	// elsewhereURL is where the issuer redirects to, and has the same keys.
	elsewhereURL = "https://elsewhere.example/"
)

// fromURL runs a guard whose keys are the issuer's, in a bubble.
func fromURL(t *testing.T, test func(t *testing.T, i *issuer, g *auth.Guard)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{status: http.StatusOK, body: `{"keys":[` + moqKey + `]}`}
		g, err := auth.New(auth.Config{KeyURL: keyURL, Transport: i})
		if err != nil {
			t.Fatal(err)
		}
		defer run(g)()
		synctest.Wait()
		test(t, i, g)
	})
}

// moq-dev's token names its key; it never ends, so Malformed tells that its signature
// was good.
const known = auth.Malformed

func TestKeysAreFetched(t *testing.T) {
	fromURL(t, func(t *testing.T, i *issuer, g *auth.Guard) {
		t.Helper()
		if got := reason(t, g, "room", moq); got != known {
			t.Errorf("%q", got)
		}
		if got := reason(t, g, "room", rfcES256); got != auth.WrongKey {
			t.Errorf("%q", got)
		}
		// A key that is new is fetched when a token needs it, ...
		time.Sleep(time.Minute)
		i.set(http.StatusOK, `{"keys":[`+moqKey+`,`+rfcES256Key+`]}`)
		if got := reason(t, g, "room", rfcES256); got == auth.WrongKey {
			t.Error("a new key is not fetched")
		}
		// ... but not for every token that somebody makes up.
		before := i.count()
		for range 100 {
			if got := reason(t, g, "room", opensslToken); got != auth.WrongKey {
				t.Fatalf("%q", got)
			}
		}
		if n := i.count() - before; n > 1 {
			t.Errorf("asked %d times", n)
		}
		// One that is withdrawn does not count any more, soon.
		i.set(http.StatusOK, `{"keys":[`+rfcES256Key+`]}`)
		time.Sleep(6 * time.Minute)
		if got := reason(t, g, "room", moq); got != auth.WrongKey {
			t.Errorf("a key that was withdrawn: %q", got)
		}
	})
}

// While the issuer is away the keys stay, for a day.
func TestIssuerIsAway(t *testing.T) {
	for name, fail := range map[string]func(*issuer){
		"error":    func(i *issuer) { i.set(http.StatusBadGateway, `{"keys":[`+moqKey+`]}`) },
		"redirect": func(i *issuer) { i.set(http.StatusFound, `{"keys":[`+moqKey+`]}`) },
		"garbage":  func(i *issuer) { i.set(http.StatusOK, "<html>") },
		"too long": func(i *issuer) { i.set(http.StatusOK, `{"keys":[`+moqKey+`]}`+strings.Repeat(" ", 300<<10)) },
		"hangs":    func(i *issuer) { i.mu.Lock(); i.hang = true; i.mu.Unlock() },
	} {
		t.Run(name, func(t *testing.T) {
			fromURL(t, func(t *testing.T, i *issuer, g *auth.Guard) {
				t.Helper()
				fail(i)
				for range 23 {
					time.Sleep(time.Hour)
					if got := reason(t, g, "room", moq); got != known {
						t.Fatalf("%q", got)
					}
				}
				began := time.Now()
				_ = reason(t, g, "room", opensslToken)
				if waited := time.Since(began); waited > time.Second {
					t.Errorf("a token with an unknown key waits for %v", waited)
				}
				time.Sleep(2 * time.Hour)
				if got := reason(t, g, "room", moq); got != auth.WrongKey {
					t.Errorf("after a day: %q", got)
				}
			})
		})
	}
}

// A gateway starts without its issuer, and takes tokens when that is there.
func TestIssuerComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{status: http.StatusServiceUnavailable}
		g, err := auth.New(auth.Config{KeyURL: keyURL, Transport: i})
		if err != nil {
			t.Fatal(err)
		}
		defer run(g)()
		time.Sleep(time.Minute)
		if got := reason(t, g, "room", moq); got != auth.WrongKey {
			t.Errorf("%q", got)
		}
		i.set(http.StatusOK, moqKey)
		time.Sleep(2 * time.Minute)
		if got := reason(t, g, "room", moq); got != known {
			t.Errorf("%q", got)
		}
	})
}
