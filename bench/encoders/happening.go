package encoders

import "time"

// Happening is that a fault befell an encoder, or was over.
type Happening struct {
	At      time.Time
	Encoder int
	Fault   Fault
	// Over: a killed encoder dials again, one that stood still goes on.
	Over bool
}

// maxHappenings bounds those that nobody has taken yet; Totals count all.
const maxHappenings = 10_000

func (f *Fleet) befell(h Happening) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !h.Over {
		f.faults[h.Fault.Kind]++
	}
	if len(f.happened) < maxHappenings {
		f.happened = append(f.happened, h)
	}
}

// Happenings takes those since the last call.
func (f *Fleet) Happenings() []Happening {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.happened
	f.happened = nil
	return out
}
