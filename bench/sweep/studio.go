package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/pattern"
	"github.com/freshet-live/freshet/push"
)

// studio is the encoders of a load, for servers that take media: a pattern each, a key
// picture a second, at exactly the load's rate. Each picture says when it was sent.
type studio struct {
	cancel context.CancelFunc
	group  *errgroup.Group
}

// keyEvery is the pictures from a key picture to the next, at 30 a second.
const keyEvery = 30

// backlog is what an encoder keeps until it has a connection. It stays behind by that:
// what it sends is paced.
const backlog = 100 * time.Millisecond

// newStudio starts to push to a server until close.
func newStudio(ctx context.Context, l Load, to string) (*studio, error) {
	st := &studio{}
	ctx, st.cancel = context.WithCancel(ctx)
	st.group, ctx = errgroup.WithContext(ctx)
	fleet, err := st.fleet(ctx, l, to)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	st.group.Go(func() error { return fleet.Run(ctx) })
	return st, nil
}

func (st *studio) fleet(ctx context.Context, l Load, to string) (*encoders.Fleet, error) {
	to, err := st.over(ctx, l, to)
	if err != nil {
		return nil, err
	}
	rate := float64(l.Kbits) * 1000
	return encoders.New(encoders.Config{
		Count: l.Broadcasts, Mark: true, Seed: 1, Buffer: backlog, Log: slog.New(slog.DiscardHandler),
		Output: push.OutputConfig{To: to, TLS: anyCertificate},
		Rate:   func(time.Duration) float64 { return rate },
		Source: func(n int, marker *encoders.Marker) (encoders.Source, error) {
			return pattern.New(pattern.Config{
				Rate: rate, Width: 320, Height: 180, GOP: keyEvery, AudioRate: -1, Seed: uint64(n),
				Mark: func(units [][]byte, at time.Duration) []byte { return marker.Mark(units, at, false) },
			})
		},
	})
}

// over leads a target over the load's network, if it has one.
func (st *studio) over(ctx context.Context, l Load, to string) (string, error) {
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return "", err
	case l.Loss == 0 && l.RTT == 0:
		return to, nil
	case !slices.Contains([]string{"srt", "quic"}, u.Scheme):
		return "", fmt.Errorf("%s: loss and round trip are those of a way of UDP, to srt:// or quic://", to)
	}
	host, err := l.through(ctx, st.group, u.Host)
	return strings.Replace(to, u.Host, host, 1), err
}

func (st *studio) close() error {
	st.cancel()
	if err := st.group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// opened waits until a server answers requests, whatever it says.
func (s *server) opened(ctx context.Context) error {
	return s.await(ctx, 1, func(*http.Response) bool { return true })
}

// listed waits until it has the playlists of all broadcasts.
func (s *server) listed(ctx context.Context, broadcasts int) error {
	return s.await(ctx, broadcasts, func(response *http.Response) bool { return response.StatusCode == http.StatusOK })
}

// await asks for the playlist of each broadcast until the answer is well.
func (s *server) await(ctx context.Context, broadcasts int, well func(*http.Response) bool) error {
	transport := &http.Transport{TLSClientConfig: anyCertificate}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	deadline := time.Now().Add(startWithin)
	for n := 1; n <= broadcasts; {
		err := ask(ctx, client, numbered(s.url, n), well)
		if err == nil {
			n++
			continue
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server has no broadcast: %w", err)
		}
		if err := errors.Join(s.alive(), sleep(ctx, 100*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

func ask(ctx context.Context, client *http.Client, address string, well func(*http.Response) bool) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close() // The status is all that is asked for.
	if !well(response) {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	return nil
}
