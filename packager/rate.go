package packager

// rateMeter measures a bit rate over media time.
type rateMeter struct {
	bits     float64 // Of the window.
	seconds  float64
	estimate float64 // Smoothed over windows; 0 until the first is full.
}

const (
	// rateWindow is the span of one measurement: long enough for a GOP.
	rateWindow = 2.0
	// rateSmoothing is the weight of the newest window.
	rateSmoothing = 0.3
)

func (r *rateMeter) add(bytes int, duration int64, timescale uint32) {
	r.bits += float64(bytes) * 8
	r.seconds += float64(duration) / float64(timescale)
	if r.seconds < rateWindow {
		return
	}
	rate := r.bits / r.seconds
	if r.estimate == 0 {
		r.estimate = rate
	} else {
		r.estimate += (rate - r.estimate) * rateSmoothing
	}
	r.bits, r.seconds = 0, 0
}

// guess is the rate to declare before it is known.
func guess(o *output) float64 {
	h := o.header
	if h.Width == 0 {
		return 64_000 * float64(h.Channels)
	}
	fps := h.Framerate()
	if fps == 0 {
		fps = 25
	}
	// A tenth of a bit per pixel is what live encoders are mostly set to.
	return float64(h.Width) * float64(h.Height) * fps / 10
}
