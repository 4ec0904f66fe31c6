package swarm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

// samplePeriod is how often the whole swarm is looked at.
const samplePeriod = time.Second

// world is a run.
type world struct {
	clock
	cfg     *Config
	access  *Access
	stream  *stream
	edge    *edge
	viewers []*viewer // By their numbers, from 1.
	dialing map[pair]bool
	regions []string

	people *rand.Rand // Who comes and goes, and what lines they have.
	net    *rand.Rand // What becomes of packets.

	seconds []tally
	lag     report.Histogram
	start   report.Histogram // From a viewer's coming to its first picture.
	shape   shape
	bans    map[policy.PeerID]time.Duration
	// throttled are those whose children take more than they can carry, since when;
	// leftAfter is how long that lasted at most.
	throttled map[policy.PeerID]time.Duration
	leftAfter time.Duration
	poison    map[policy.PeerID]time.Duration // When each first sent some.
}

func newWorld(cfg *Config) (*world, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	a, err := access(cfg.Country)
	if err != nil {
		return nil, err
	}
	w := &world{
		cfg: cfg, access: a, stream: newStream(cfg), dialing: make(map[pair]bool),
		people:  rand.New(rand.NewPCG(cfg.Seed, 1)),
		net:     rand.New(rand.NewPCG(cfg.Seed, 2)),
		seconds: make([]tally, int(cfg.Duration/time.Second)+2),
		bans:    make(map[policy.PeerID]time.Duration),
		poison:  make(map[policy.PeerID]time.Duration),

		throttled: make(map[policy.PeerID]time.Duration),
	}
	for r := range cfg.Network.Regions {
		w.regions = append(w.regions, fmt.Sprintf("region-%d", r))
	}
	w.edge = newEdge(w)
	return w, nil
}

// Run makes a run. It takes as long as the processor needs: Config says what time passes
// within.
func Run(cfg Config) (*Result, error) {
	w, err := newWorld(&cfg)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	w.edge.run()
	w.crowd()
	for _, h := range cfg.Happenings {
		w.at(h.At, func() { h.happen(w) })
	}
	w.after(samplePeriod, w.sample)
	w.run(cfg.Duration)
	r := w.result()
	r.Took = time.Since(started)
	return r, nil
}

// counts says whether what happens now is in the figures.
func (w *world) counts() bool { return w.now >= w.cfg.Warm && w.now < w.cfg.Duration }

// tally is where this second is counted.
func (w *world) tally() *tally { return &w.seconds[int(w.now/time.Second)] }

// viewer is one by its number, nil where there never was one.
func (w *world) viewer(id policy.PeerID) *viewer {
	if id == 0 || int(id) > len(w.viewers) {
		return nil
	}
	return w.viewers[id-1]
}

// chunkIndex is the place of a chunk in its stream.
func (s *stream) chunkIndex(ch *chunk) int { return s.pieces[ch.piece].chunk }

// expNormal is a log-normal factor that belongs to a pair.
func expNormal(c chance, deviation float64) float64 { return math.Exp(c.normal(11) * deviation) }
