package auth

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	refused *prometheus.CounterVec
	loads   *prometheus.CounterVec
	keys    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	auto := promauto.With(reg)
	return metrics{
		refused: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_auth_refused_total",
			Help: "Requests that were not authorised, by door and reason.",
		}, []string{"door", "reason"}),
		loads: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_auth_key_loads_total",
			Help: "Changed key files and fetched key sets, by result.",
		}, []string{"result"}),
		keys: auto.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_auth_keys",
			Help: "Keys that tokens are verified with.",
		}),
	}
}

// loaded notes that keys or certificates were read again.
func (g *Guard) loaded(from string, err error) {
	g.metrics.keys.Set(float64(len(*g.verifier.keys.current())))
	if err != nil {
		g.metrics.loads.WithLabelValues("refused").Inc()
		g.log.Error("keys refused, the old ones stay", "from", from, "error", err)
		return
	}
	g.metrics.loads.WithLabelValues("accepted").Inc()
	g.log.Info("keys taken over", "from", from)
}

// fetched notes an attempt at the URL.
func (g *Guard) fetched(err error) {
	keys := len(*g.verifier.keys.current())
	g.metrics.keys.Set(float64(keys))
	if err != nil {
		g.metrics.loads.WithLabelValues("failed").Inc()
		g.log.Warn("keys not fetched, the old ones stay for a day", "error", err, "keys", keys)
		return
	}
	g.metrics.loads.WithLabelValues("accepted").Inc()
	g.log.Debug("keys fetched", "url", g.cfg.KeyURL, "keys", keys)
}

// auditRate is how many refusals a second are written down: beyond it the counter
// tells enough.
const auditRate = 20

// pace lets auditRate events a second pass.
type pace struct {
	mu     sync.Mutex
	second int64 // Guarded by mu.
	passed int   // Guarded by mu. In that second.
	left   int   // Guarded by mu. Not passed since the last one that was.
}

// take tells whether an event passes, and how many before it did not.
func (p *pace) take(now time.Time) (left int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := now.Unix(); s != p.second {
		p.second, p.passed = s, 0
	}
	if p.passed == auditRate {
		p.left++
		return 0, false
	}
	p.passed++
	left, p.left = p.left, 0
	return left, true
}
