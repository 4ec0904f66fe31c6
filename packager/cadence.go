package packager

import "github.com/freshet-live/freshet/ingest"

// defaultDelta is the frame duration of a stream that says nothing: 25 fps.
const defaultDelta = ingest.Clock / 25

// cadence predicts how long a unit lasts, so that it need not wait for the next.
// It is the distance of the last two units, but one odd distance, a gap, does
// not count.
type cadence struct {
	delta int64
	odd   int64 // A longer distance that was seen once.
	seen  bool  // delta was observed, not suggested.
	audio bool
}

// suggest sets the nominal duration; observation wins over it.
func (c *cadence) suggest(d int64) {
	if !c.seen && d > 0 {
		c.delta = d
	}
	if c.delta == 0 {
		c.delta = defaultDelta
	}
}

// observe takes the distance of the last two units.
func (c *cadence) observe(d int64) {
	if c.audio || d <= 1 || d > ingest.Clock {
		return
	}
	if d <= c.delta+c.delta/2 || d-c.odd <= d/8 && c.odd-d <= d/8 {
		c.delta, c.seen, c.odd = d, true, 0
		return
	}
	c.odd = d
}
