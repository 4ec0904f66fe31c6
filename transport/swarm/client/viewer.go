package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
)

// What is set aside for others to catch up.
const (
	// inboxSize is how many things may have happened that were not looked at.
	inboxSize = 64
	// maxChunks are due and not taken by Next; more are dropped, the oldest first.
	maxChunks = 64
	// tickEvery is how often swarm.Viewer is told that time passes, which is when it
	// sees what is about to be late.
	tickEvery = 20 * time.Millisecond
	// farewell is how long what was said at the end has to get out.
	farewell = 100 * time.Millisecond
)

// Errors of Run and Next.
var (
	// ErrNoSwarm: the edge, or the broadcast, has none.
	ErrNoSwarm = errors.New("no swarm here")
	// ErrEnded: the viewer has ended.
	ErrEnded = errors.New("viewer has ended")
)

// Viewer takes part in the swarm of one video track. Make it with New, name its
// Extension to moqt.NewClient, then Run it.
type Viewer struct {
	// Set by New, then read-only.
	cfg   Config
	inbox chan func(*machine)
	ended chan struct{} // Closed when Run has ended.

	chunks chan Chunk

	mu    sync.Mutex
	stats Stats // Guarded by mu.
}

// New makes a Viewer.
func New(cfg Config) *Viewer {
	cfg.prepare()
	return &Viewer{
		cfg:    cfg,
		inbox:  make(chan func(*machine), inboxSize),
		ended:  make(chan struct{}),
		chunks: make(chan Chunk, maxChunks),
	}
}

// Extension is for moqt.ClientConfig.Extensions of the session that Run is given.
func (v *Viewer) Extension() moqt.ClientExtension {
	return moqt.ClientExtension{
		Extension: moqt.Extension{
			Option: wire.SetupOption, Version: wire.Version, Stream: wire.StreamType, UniStream: wire.PiecesStream,
		},
		Receive: v.receivePieces,
	}
}

// Run watches until ctx ends or the session does, and returns when all has ended
// that it started. It is called once.
func (v *Viewer) Run(ctx context.Context, client *moqt.Client) error {
	defer close(v.ended)
	m := newMachine(v, client)
	defer m.tasks.Wait()
	// What is said at the end outlives ctx.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(ErrEnded)
	m.life = life
	start, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := m.begin(start); err != nil {
		return err
	}
	err := m.run(ctx)
	m.leave()
	return err
}

// Next waits for the next chunk that is due.
func (v *Viewer) Next(ctx context.Context) (Chunk, error) {
	select {
	case c := <-v.chunks:
		return c, nil
	case <-v.ended:
		return Chunk{}, ErrEnded
	case <-ctx.Done():
		return Chunk{}, context.Cause(ctx)
	}
}

// Stats are the totals so far.
func (v *Viewer) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stats.clone()
}

func (v *Viewer) count(f func(*Stats)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.stats)
}

// Update tells that the viewer's situation has changed.
func (v *Viewer) Update(ctx context.Context, s Situation) error {
	return v.post(ctx, func(m *machine) { m.update(s) })
}

// post has the owner do something. It waits while there is much to do.
func (v *Viewer) post(ctx context.Context, f func(*machine)) error {
	select {
	case v.inbox <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-v.ended:
		return ErrEnded
	}
}

// receivePieces reads a stream of pieces of the edge.
func (v *Viewer) receivePieces(ctx context.Context, r moqt.ReceiveStream) {
	p, err := wire.NewPieces(r)
	if err != nil {
		v.cfg.Logger.Debug("stream of pieces", "error", err)
		return
	}
	for {
		id, b, err := p.Next()
		if err != nil {
			break
		}
		at := time.Now()
		if v.post(ctx, func(m *machine) { m.edgePiece(at, p.Header, id, b) }) != nil {
			return
		}
	}
	if p.Header.Kind == wire.PiecesHedged {
		_ = v.post(ctx, func(m *machine) { m.hedgeEnded(p.Header) }) // Else there is nobody to tell.
	}
}

// wrap says what was being done.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
