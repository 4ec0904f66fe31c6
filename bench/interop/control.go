package interop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// The names that the runner's cases use.
const (
	runnerNamespace = relay.Namespace("moq-test/interop")
	runnerTrack     = "test-track"
)

// controlCases are those of englishm/moq-interop-runner.
var controlCases = []Case{
	{
		Name: "setup-only", About: "SETUP is answered, and the session closes without an error",
		Within: 2 * time.Second, Namespace: runnerNamespace, run: setupOnly,
	},
	{
		Name: "announce-only", About: "PUBLISH_NAMESPACE is answered with REQUEST_OK",
		Within: 2 * time.Second, Namespace: runnerNamespace, run: announceOnly,
	},
	{
		Name: "publish-namespace-done", About: "a namespace that was accepted can be withdrawn",
		Within: 2 * time.Second, Namespace: runnerNamespace, run: publishNamespaceDone,
	},
	{
		Name: "subscribe-error", About: "SUBSCRIBE to a namespace that is not there gets REQUEST_ERROR",
		Within: 2 * time.Second, Namespace: "nonexistent/namespace", run: subscribeError,
	},
	{
		Name: "announce-subscribe", About: "SUBSCRIBE to a namespace that was accepted gets SUBSCRIBE_OK",
		Within: 3 * time.Second, Namespace: runnerNamespace, run: announceSubscribe,
	},
	{
		Name: "subscribe-before-announce", About: "SUBSCRIBE before PUBLISH_NAMESPACE gets SUBSCRIBE_OK or REQUEST_ERROR, not silence",
		Within: 3500 * time.Millisecond, Namespace: runnerNamespace, run: subscribeBeforeAnnounce,
	},
}

func setupOnly(e *env) error {
	_, err := e.subscriber()
	return err
}

// announce publishes the case's namespace with an empty track of the runner's name.
func announce(e *env) (*moqt.Publication, error) {
	r := relay.New(relay.Config{})
	b, err := r.Publish(e.ns)
	if err != nil {
		return nil, err
	}
	if _, err := b.NewTrack(runnerTrack, relay.TrackConfig{}); err != nil {
		return nil, err
	}
	c, err := e.publisher(r)
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	// The runner's name is that of the case before, too, whose session the relay may
	// not know to be over.
	p, err := insist(e, func(ctx context.Context) (*moqt.Publication, error) { return c.PublishNamespace(ctx, e.ns) })
	if err != nil {
		return nil, fmt.Errorf("PUBLISH_NAMESPACE: %w", err)
	}
	return p, nil
}

func announceOnly(e *env) error {
	_, err := announce(e)
	return err
}

func publishNamespaceDone(e *env) error {
	p, err := announce(e)
	if err != nil {
		return err
	}
	return p.Close()
}

func subscribeError(e *env) error {
	c, err := e.subscriber()
	if err != nil {
		return err
	}
	_, err = c.Subscribe(e.ctx, e.ns, runnerTrack, moqt.SubscribeOptions{})
	if err == nil {
		return errors.New("received SUBSCRIBE_OK")
	}
	return wantRefused(e, err)
}

// wantRefused passes a REQUEST_ERROR and nothing else.
func wantRefused(e *env, err error) error {
	refused, ok := errors.AsType[*moqt.RequestError](err)
	if !ok {
		return err
	}
	e.note("refused: %s, %s", refused.Code, refused.Reason)
	return nil
}

func announceSubscribe(e *env) error {
	if _, err := announce(e); err != nil {
		return err
	}
	c, err := e.subscriber()
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	_, err = subscribe(e, c, runnerTrack, moqt.SubscribeOptions{})
	return err
}

func subscribeBeforeAnnounce(e *env) error {
	c, err := e.subscriber()
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	var answer error
	var asked sync.WaitGroup
	asked.Go(func() {
		_, answer = c.Subscribe(e.ctx, e.ns, runnerTrack, moqt.SubscribeOptions{})
	})
	if err := e.pause(500 * time.Millisecond); err != nil {
		return err
	}
	_, err = announce(e)
	asked.Wait()
	if err == nil && answer != nil {
		return wantRefused(e, answer)
	}
	return err
}

// retryAfter is how long subscribe waits for a namespace to become known further
// down.
const retryAfter = 20 * time.Millisecond

// subscribe asks for a track of the case's namespace until the relay knows it: an
// announcement takes its time through several.
func subscribe(e *env, c *moqt.Client, track string, o moqt.SubscribeOptions) (*moqt.Subscription, error) {
	return insist(e, func(ctx context.Context) (*moqt.Subscription, error) {
		return c.Subscribe(ctx, e.ns, track, o)
	})
}

// insist repeats a request that is refused, for as long as the case has time.
func insist[T any](e *env, ask func(context.Context) (T, error)) (T, error) {
	for {
		got, err := ask(e.ctx)
		if _, refused := errors.AsType[*moqt.RequestError](err); !refused {
			return got, err
		}
		if e.pause(retryAfter) != nil {
			return got, err
		}
	}
}
