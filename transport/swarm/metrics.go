package swarm

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// metrics are shared by all rooms. Label values come from closed sets: modes and
// reasons of the protocol, kinds of networks and of browsers, cohorts.
type metrics struct {
	rooms         prometheus.Gauge
	viewers       *prometheus.GaugeVec
	received      *prometheus.CounterVec
	uploaded      *prometheus.CounterVec
	fed, hedged   prometheus.Counter
	hedges        *prometheus.CounterVec
	skips         *prometheus.CounterVec
	unnumbered    prometheus.Counter
	playing       *prometheus.CounterVec
	stalling      *prometheus.CounterVec
	stalls        *prometheus.CounterVec
	latency       *prometheus.HistogramVec
	lag           prometheus.Histogram
	links         *prometheus.CounterVec
	connect       prometheus.Histogram
	messages      *prometheus.CounterVec
	signals       *prometheus.CounterVec
	faults        prometheus.Counter
	invalidPieces prometheus.Counter
	accusations   *prometheus.CounterVec
	bans          prometheus.Counter
	revealed      prometheus.Counter
	consent       *prometheus.CounterVec
	kills         prometheus.Counter
	offload       prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: "freshet_swarm_" + name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: "freshet_swarm_" + name, Help: help}, labels)
	}
	edge := counters("edge_bytes_total", "Bytes of pieces that this edge sent, by why: fed, hedged.", "kind")
	return &metrics{
		rooms: f.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_swarm_swarms", Help: "Swarms: video tracks that viewers share.",
		}),
		viewers: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "freshet_swarm_viewers", Help: "Viewers in swarms, by how much they take part, and why not in all.",
		}, []string{"mode", "reason"}),
		received: counters("received_bytes_total",
			"Bytes of video that viewers say they received, by where from: peer (verified and on time), edge, hedge; late and duplicate ones count apart.",
			"from", "network", "agent", "asn"),
		uploaded:   counters("uploaded_bytes_total", "Bytes that viewers say they sent to peers.", "network", "agent", "asn"),
		fed:        edge.WithLabelValues("fed"),
		hedged:     edge.WithLabelValues("hedged"),
		hedges:     counters("hedges_total", "Requests for missing pieces, by how they ended.", "result"),
		skips:      counters("skipped_groups_total", "Groups that were left out or cut short in feeding, by reason.", "reason"),
		unnumbered: counter("unnumbered_chunks_total", "Chunks that were not fed since their place in the group is not known."),
		playing:    counters("play_seconds_total", "Time that viewers say they played, by cohort: swarm, control, edge.", "cohort"),
		stalling:   counters("stall_seconds_total", "Time that viewers say they waited for media.", "cohort"),
		stalls:     counters("stalls_total", "How often they did.", "cohort"),
		latency: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "freshet_swarm_latency_seconds", Help: "How far viewers say they are behind live.",
			Buckets: []float64{.25, .5, .75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 6, 10},
		}, []string{"cohort"}),
		offload: f.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_swarm_viewer_offload_ratio", Help: "Part of the video that came from peers, of each report of viewers who take from peers.",
			Buckets: []float64{0, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, 1},
		}),
		lag: f.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_swarm_lag_seconds", Help: "How long pieces come behind their beacons, p90 of each sub-stream as viewers say.",
			Buckets: []float64{.01, .025, .05, .1, .15, .2, .3, .4, .5, .75, 1, 2},
		}),
		links: counters("links_total", "Connections between viewers, by what became of them: open, failed, closed.", "state"),
		connect: f.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_swarm_connect_seconds", Help: "From an offer to open channels, as viewers say.",
			Buckets: []float64{.1, .2, .3, .4, .5, .75, 1, 1.5, 2, 3, 5},
		}),
		messages:      counters("messages_total", "Messages of the session, in and out.", "direction"),
		signals:       counters("signals_total", "Descriptions and candidates, by whether they were passed on, or why not.", "result"),
		faults:        counter("protocol_errors_total", "Viewers whose session ended since they broke the protocol."),
		invalidPieces: counter("invalid_pieces_total", "Pieces from peers that no beacon signs, as viewers say."),
		accusations:   counters("accusations_total", "Peers accused of invalid pieces, by whether the edge could see it.", "result"),
		bans:          counter("bans_total", "Viewers who were banned."),
		revealed:      counter("revealed_total", "Addresses of peers that viewers could learn of."),
		kills:         counter("kills_total", "How often a cohort's swarm was switched off, since it fared worse than the control group."),
		consent:       counters("consent_total", "What viewers decided: at hello, and when it changed.", "consent"),
	}
}

// cohort is what a member is compared as.
func (s *standing) cohort() string {
	switch {
	case s.reason == "control":
		return "control"
	case s.mode == policy.ModeOn || s.mode == policy.ModeReceive:
		return "swarm"
	}
	return "edge"
}

// reasons are the words of modes that have a label of their own.
var reasons = []policy.Reason{
	"", "consent", "cellular", "saveData", "battery", "hidden", "network", "control", "small", "breaker", "killed",
	"banned", "operator", "unsupported", "reserve", "budget",
}

func reasonLabel(r policy.Reason) string {
	if !slices.Contains(reasons, r) {
		return "other"
	}
	return string(r)
}

func (m *metrics) joined(v *member) {
	m.consent.WithLabelValues(string(v.profile.Consent)).Inc()
}

// seated counts a member under its mode, from its welcome on.
func (m *metrics) seated(s *standing) {
	m.viewers.WithLabelValues(string(s.mode), reasonLabel(s.reason)).Inc()
}

func (m *metrics) left(s *standing) {
	m.viewers.WithLabelValues(string(s.mode), reasonLabel(s.reason)).Dec()
}

func (m *metrics) consented(before, after policy.Consent) {
	if before != after {
		m.consent.WithLabelValues(string(after)).Inc()
	}
}

func (m *metrics) linked(msg *wire.Link) {
	m.links.WithLabelValues(string(msg.State)).Inc()
	if msg.State == policy.LinkOpen && msg.Took > 0 {
		m.connect.Observe(time.Duration(msg.Took).Seconds())
	}
}

// reported counts a report, which is plausible.
func (m *metrics) reported(v *member, r *wire.Report) {
	network, agent, class := string(v.standing.profile.Net), v.agent, v.class
	for from, n := range map[string]wire.Count{
		"peer": r.PeerBytes, "edge": r.EdgeBytes, "hedge": r.HedgeBytes, "late": r.LateBytes, "duplicate": r.DuplicateBytes,
	} {
		m.received.WithLabelValues(from, network, agent, class).Add(float64(n))
	}
	m.uploaded.WithLabelValues(network, agent, class).Add(float64(r.UploadBytes))
	m.invalidPieces.Add(float64(r.InvalidPieces))
	cohort := v.standing.cohort()
	if needed := r.PeerBytes + r.EdgeBytes + r.HedgeBytes; cohort == "swarm" && needed > 0 {
		m.offload.Observe(float64(r.PeerBytes) / float64(needed))
	}
	m.playing.WithLabelValues(cohort).Add(time.Duration(r.PlayTime).Seconds())
	m.stalling.WithLabelValues(cohort).Add(time.Duration(r.StallTime).Seconds())
	m.stalls.WithLabelValues(cohort).Add(float64(r.Stalls))
	if r.Latency > 0 {
		m.latency.WithLabelValues(cohort).Observe(time.Duration(r.Latency).Seconds())
	}
	for _, lag := range r.Lag {
		m.lag.Observe(time.Duration(lag).Seconds())
	}
}
