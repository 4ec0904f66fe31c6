package llhlstest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Violation is a broken rule.
type Violation struct {
	// Rule is one of the Rule constants.
	Rule   string
	URL    string
	Detail string
}

func (v Violation) String() string { return v.Rule + ": " + v.URL + ": " + v.Detail }

// The rules. Numbers are sections of draft-pantos-hls-rfc8216bis-22.
const (
	RulePartDuration  = "part duration"          // 4.4.4.9
	RulePartShort     = "part under 85 %"        // 4.4.4.9
	RulePartSum       = "parts make the segment" // 6.2.2
	RuleTarget        = "target duration"        // 4.4.3.1
	RuleControl       = "server control"         // 4.4.3.8
	RuleSequence      = "media sequence"         // 6.2.2
	RuleDiscontinuity = "discontinuity sequence" // 6.2.2
	RuleDate          = "program date time"      // B.1
	RuleBlocking      = "blocking reload"        // 6.2.5.2
	RuleDelta         = "delta update"           // 6.2.5.1
	RuleReport        = "rendition report"       // 4.4.5.4
	RuleHint          = "preload hint"           // 6.2.6
	RuleAvailable     = "listed is available"    // 6.2.1
	RuleRemoved       = "removed stays"          // 6.2.2
	RuleMedia         = "media time"             // EXTINF against tfdt
	RuleIndependent   = "independent frame"      // 4.4.2.1
	RuleGzip          = "gzip"                   // B.1
	RuleHeaders       = "headers"                // B.1
	RuleCache         = "cache control"          // B.1
	RuleUnknown       = "unknown resource"       // 6.2.6
	RuleRange         = "byte range"             // RFC 9110
	RuleMultivariant  = "multivariant playlist"  // 4.4.6
)

// Config configures Check.
type Config struct {
	// Client makes the requests; http.DefaultClient when nil. Its transport must
	// not ask for compression by itself.
	Client *http.Client
	// Duration is how long to follow the stream; 30 s when zero.
	Duration time.Duration
	// Found, if set, is told of each violation at once; whoever waits for one may
	// end the check's context. It is called by many goroutines.
	Found func(Violation)
}

// checker collects what one Check finds.
type checker struct {
	client *http.Client
	base   *url.URL
	until  time.Time
	found  func(Violation)

	mu         sync.Mutex
	violations []Violation      // Guarded by mu.
	seen       map[string]bool  // Guarded by mu. One violation for a rule and URL is enough.
	latest     map[string]state // Guarded by mu. By playlist URL.
}

// state is how far a playlist was seen.
type state struct {
	msn   uint64
	parts int
}

// Check follows the stream whose Multivariant Playlist is at address. The error
// is about the check itself: a playlist that cannot be had at all.
func Check(ctx context.Context, address string, cfg Config) ([]Violation, error) {
	if cfg.Client == nil {
		cfg.Client = http.DefaultClient
	}
	if cfg.Duration == 0 {
		cfg.Duration = 30 * time.Second
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	// Redirects break caches and low latency (Apple 8.18).
	client := *cfg.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &checker{
		client: &client, base: base, until: time.Now().Add(cfg.Duration), found: cfg.Found,
		seen: make(map[string]bool), latest: make(map[string]state),
	}
	return c.run(ctx)
}

func (c *checker) run(ctx context.Context) ([]Violation, error) {
	answer, err := c.get(ctx, c.base.String(), nil)
	if err != nil {
		return nil, err
	}
	uris, streams, err := parseMultivariant(answer.text())
	if err != nil {
		return nil, err
	}
	c.playlistHeaders(answer)
	for _, s := range streams {
		for _, name := range []string{"BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS"} {
			if s[name] == "" {
				c.add(RuleMultivariant, c.base.String(), "no %s", name)
			}
		}
	}
	uris = slices.Compact(slices.Sorted(slices.Values(uris)))
	errs := make([]error, len(uris))
	var wg sync.WaitGroup
	for i, uri := range uris {
		wg.Go(func() { errs[i] = c.follow(ctx, c.resolve(c.base.String(), uri)) })
	}
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.violations, errors.Join(errs...)
}

func (c *checker) add(rule, address, format string, args ...any) {
	v := Violation{rule, address, fmt.Sprintf(format, args...)}
	if c.note(v) && c.found != nil {
		c.found(v)
	}
}

// note keeps a violation and tells whether it is the first of its kind.
func (c *checker) note(v Violation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[v.Rule+v.URL] {
		return false
	}
	c.seen[v.Rule+v.URL] = true
	c.violations = append(c.violations, v)
	return true
}

func (c *checker) resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}
