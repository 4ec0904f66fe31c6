package swarm

import "time"

// HappeningKind is something that is done to a running swarm.
type HappeningKind string

// The kinds.
const (
	Leave    HappeningKind = "leave"    // A share of the viewers goes, nobody comes for them.
	Join     HappeningKind = "join"     // So many more come, as a share of Config.Viewers.
	Throttle HappeningKind = "throttle" // A share of the uploaders has a tenth of its uplink.
	Traffic  HappeningKind = "traffic"  // A share of the uploaders has nine tenths of it taken by other programs.
)

// Happening is done At a time, to a Share of the viewers, spread over Within.
type Happening struct {
	Kind   HappeningKind
	At     time.Duration
	Share  float64
	Within time.Duration
}

func (h Happening) happen(w *world) {
	switch h.Kind {
	case Join:
		for range int(h.Share * float64(w.cfg.Viewers)) {
			w.after(time.Duration(w.people.Float64()*float64(h.Within)), w.newcomer)
		}
	case Leave:
		h.each(w, func(v *viewer) {
			silent := w.people.Float64() < w.cfg.Silent
			w.after(h.departure(w), func() { v.leave(silent) })
		})
	case Throttle:
		h.each(w, func(v *viewer) {
			v.host.uplink /= 10
			if w.overloaded(v.id) {
				w.throttled[v.id] = w.now
			}
		})
	case Traffic:
		h.each(w, func(v *viewer) { v.host.otherTraffic = v.host.uplink * 9 / 10 })
	}
}

// departure is when one of a leaving crowd goes: soon for most, all within the time.
func (h Happening) departure(w *world) time.Duration {
	return min(h.Within, time.Duration(w.people.ExpFloat64()*.3*float64(h.Within)))
}

// each does something to a share of those present.
func (h Happening) each(w *world, do func(*viewer)) {
	spared := h.Kind == Throttle || h.Kind == Traffic
	for _, v := range w.present() {
		if w.people.Float64() < h.Share && (!spared || !v.host.cellular) {
			do(v)
		}
	}
}
