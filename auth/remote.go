package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	// fetchEvery is how often a URL is asked when all is well. An issuer publishes a
	// new key longer than that before it signs with it.
	fetchEvery = 5 * time.Minute
	// fetchWithin bounds one attempt; firstRetry is the wait after one that failed,
	// doubled each time up to fetchEvery.
	fetchWithin = 5 * time.Second
	firstRetry  = 5 * time.Second
	// askEvery is how often tokens with keys that are not known can have the URL
	// asked, and askWait how long such a token waits for the answer.
	askEvery = 10 * time.Second
	askWait  = time.Second
	// staleFor is how long keys count that could not be fetched again: an issuer
	// may be away for a day, but no key that was withdrawn lives for ever.
	staleFor = 24 * time.Hour
)

// remote is a JWK Set at a URL.
type remote struct {
	// Set by newRemote, then read-only.
	url    string
	client *http.Client
	apply  func(keySet)
	report func(error)

	asks chan struct{} // One slot: somebody cannot wait.

	mu       sync.Mutex
	fetching bool          // Guarded by mu.
	fetched  time.Time     // Guarded by mu. When the last attempt ended.
	done     chan struct{} // Guarded by mu. Closed and replaced when an attempt ends.
}

func newRemote(url string, transport http.RoundTripper, apply func(keySet), report func(error)) *remote {
	return &remote{
		url: url, apply: apply, report: report,
		client: &http.Client{
			Transport: transport, Timeout: fetchWithin,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("redirects are not followed")
			},
		},
		asks: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// run fetches until ctx ends.
func (r *remote) run(ctx context.Context) {
	wait, taken := firstRetry, time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-r.asks:
		case <-ctx.Done():
			return
		}
		err := r.fetch(ctx)
		next := fetchEvery
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			wait, taken = firstRetry, time.Now()
		default:
			if time.Since(taken) > staleFor {
				r.apply(nil)
			}
			next, wait = wait, min(2*wait, fetchEvery)
		}
		r.report(err)
		timer.Reset(next*9/10 + rand.N(next/5))
	}
}

// ask has the keys fetched now, unless they just were, and waits for a moment.
func (r *remote) ask(ctx context.Context) {
	r.mu.Lock()
	done := r.done
	tooSoon := !r.fetching && time.Since(r.fetched) < askEvery
	r.mu.Unlock()
	if tooSoon {
		return
	}
	select {
	case r.asks <- struct{}{}:
	default: // Asked for already.
	}
	timer := time.NewTimer(askWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// fetch asks once and hands the keys on.
func (r *remote) fetch(ctx context.Context) error {
	r.mu.Lock()
	r.fetching = true
	r.mu.Unlock()
	set, err := r.get(ctx)
	if err == nil {
		r.apply(set)
	}
	select {
	case <-r.asks: // What was asked meanwhile is answered, too.
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetching, r.fetched = false, time.Now()
	close(r.done)
	r.done = make(chan struct{})
	return err
}

func (r *remote) get(ctx context.Context) (keySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", r.url, res.Status)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", r.url, err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", r.url, maxFile)
	}
	set, err := parseJWKS(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.url, err)
	}
	return set, nil
}
