package sweep

import (
	"fmt"
	"time"
)

// Load is what is put on a server. Its field names are stable.
type Load struct {
	// Viewers are those of each broadcast.
	Viewers    int `json:"viewers"`
	Kbits      int `json:"kbits"` // Of each broadcast, in kbit/s.
	Broadcasts int `json:"broadcasts"`
	// Loss is on the way from the publisher to the server, in each direction, in
	// thousandths; RTT is that way's.
	Loss int           `json:"loss_permille"`
	RTT  time.Duration `json:"rtt_ns"`
}

// all are the viewers of all broadcasts.
func (l Load) all() int { return l.Viewers * l.Broadcasts }

// Dimension is the one of a Load that rises.
type Dimension string

// The dimensions.
const (
	Viewers    Dimension = "viewers"
	Bitrate    Dimension = "bitrate"
	Broadcasts Dimension = "broadcasts"
	Loss       Dimension = "loss" // In thousandths.
)

// with is the load with a value of the dimension.
func (l Load) with(d Dimension, value int) (Load, error) {
	switch d {
	case Viewers:
		l.Viewers = value
	case Bitrate:
		l.Kbits = value
	case Broadcasts:
		l.Broadcasts = value
	case Loss:
		l.Loss = value
	default:
		return l, fmt.Errorf("%q is no dimension; known are viewers, bitrate, broadcasts, loss", d)
	}
	return l, l.check()
}

// The bounds of a load.
const (
	maxAll   = 100_000
	maxKbits = 1_000_000
	maxLoss  = 500
)

func (l Load) check() error {
	switch {
	case l.Viewers < 1 || l.Broadcasts < 1 || l.Viewers > maxAll || l.Broadcasts > maxAll || l.all() > maxAll:
		return fmt.Errorf("%d viewers of %d broadcasts are not between 1 and %d", l.Viewers, l.Broadcasts, maxAll)
	case l.Kbits < 8 || l.Kbits > maxKbits:
		return fmt.Errorf("a bitrate of %d kbit/s is not between 8 and %d", l.Kbits, maxKbits)
	case l.Loss < 0 || l.Loss > maxLoss:
		return fmt.Errorf("a loss of %d thousandths is not between 0 and %d", l.Loss, maxLoss)
	case l.RTT < 0 || l.RTT > 10*time.Second:
		return fmt.Errorf("a round trip of %v is not between 0 and 10 s", l.RTT)
	}
	return nil
}
