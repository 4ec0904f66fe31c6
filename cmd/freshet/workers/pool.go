package workers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/transport/httpd/ops"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/shards"
	"github.com/freshet-live/freshet/transport/unixconn"
)

// Config configures a Pool. All is required.
type Config struct {
	// Gateway is the configuration of the gateway. Web.Workers is how many processes there
	// are.
	Gateway configs.Config
	// Command gives the command line of a worker, without its surroundings.
	Command func() *exec.Cmd
	// Output is where workers log.
	Output io.Writer
	// MoQ serves a worker as a relay of ours.
	MoQ *moqt.Server
	// Edges gives the other gateways that viewers may go on with.
	Edges func() []string

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Dir makes the folder that a gateway shares with its workers, its user's alone. Release
// must follow.
func Dir() (string, error) {
	dir, err := os.MkdirTemp("", "freshet-") // 0700.
	if err != nil {
		return "", fmt.Errorf("a folder for workers: %w", err)
	}
	return dir, nil
}

// Pool is the workers of a gateway: its front, as httpd.Server is without them.
type Pool struct {
	// Set by New, then read-only.
	cfg     Config
	log     *slog.Logger
	dir     string
	secret  []byte
	http    *shards.Set // nil where there is none.
	https   *shards.Set
	quic    *shards.Set
	link    *unixconn.Listener
	about   *ops.Server
	workers []*worker
	load    *loadMeter
}

// New binds the addresses, with dir as the folder that is shared. Run or Close must
// follow.
func New(cfg Config, dir string) (*Pool, error) {
	p := &Pool{cfg: cfg, log: cfg.Logger, dir: dir, secret: make([]byte, 32), load: &loadMeter{}}
	if _, err := rand.Read(p.secret); err != nil {
		return nil, err
	}
	if err := errors.Join(p.bind(), p.listen()); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	restarts := promauto.With(cfg.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_worker_exits_total", Help: "Workers that ended although the gateway went on.",
	}, []string{"worker"})
	for i := range cfg.Gateway.Web.Workers {
		p.workers = append(p.workers, newWorker(p, i, restarts))
	}
	promauto.With(cfg.Registerer).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "freshet_workers_ready", Help: "Workers that serve viewers.",
	}, func() float64 { return float64(p.ready()) })
	return p, nil
}

// bind takes the addresses of the front. The UDP port has the number of the TCP port of
// HTTPS, also when the system chose it.
func (p *Pool) bind() (err error) {
	web := p.cfg.Gateway.Web
	if web.HTTP != "" {
		if p.http, err = shards.TCP(web.HTTP, web.Workers); err != nil {
			return fmt.Errorf("http address: %w", err)
		}
	}
	if p.https, err = shards.TCP(web.HTTPS, web.Workers); err != nil {
		return fmt.Errorf("https address: %w", err)
	}
	if p.quic, err = shards.UDP(p.https.Addr().String(), web.Workers); err != nil {
		return fmt.Errorf("https address, over UDP: %w", err)
	}
	return nil
}

// listen makes the sockets that workers come to.
func (p *Pool) listen() (err error) {
	p.link, err = unixconn.Listen(unixconn.Config{
		Path: filepath.Join(p.dir, linkFile), Logger: p.log,
		MoQ: func(ctx context.Context, conn moqt.Conn) {
			if err := p.cfg.MoQ.Serve(ctx, conn); err != nil {
				p.log.Debug("worker's session ended", "error", err)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("socket for workers: %w", err)
	}
	p.about, err = ops.New(ops.Config{
		Addr: "unix:" + filepath.Join(p.dir, aboutFile), Gatherer: prometheus.NewRegistry(),
		State:  map[string]func() any{"edges": func() any { return p.cfg.Edges() }},
		Logger: p.log,
	})
	return err
}

// Close lets go of what a Pool that never ran has bound.
func (p *Pool) Close() error {
	var errs []error
	for _, s := range []*shards.Set{p.http, p.https, p.quic} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if p.link != nil {
		errs = append(errs, p.link.Run(ended))
	}
	if p.about != nil {
		errs = append(errs, p.about.Run(ended))
	}
	return errors.Join(errs...)
}

// HTTPAddr is the plain address, nil when there is none.
func (p *Pool) HTTPAddr() net.Addr {
	if p.http == nil {
		return nil
	}
	return p.http.Addr()
}

// HTTPSAddr is the TCP address of HTTPS; the UDP port has the same number.
func (p *Pool) HTTPSAddr() net.Addr { return p.https.Addr() }

// Ready tells why not all workers are ready for new viewers, nil when they are.
func (p *Pool) Ready() error {
	if ready := p.ready(); ready < len(p.workers) {
		return fmt.Errorf("%d of %d workers are ready", ready, len(p.workers))
	}
	return nil
}

func (p *Pool) ready() (n int) {
	for _, w := range p.workers {
		if w.ready.Load() {
			n++
		}
	}
	return n
}

// beyondDrain is how much longer than their drain workers may take to end.
const beyondDrain = 10 * time.Second

// Run keeps the workers running until ctx ends, has them drain then, and returns when
// they have gone.
func (p *Pool) Run(ctx context.Context) error {
	// What workers need outlives ctx until they have ended.
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	parts, hard := errgroup.WithContext(hard)
	parts.Go(func() error { return p.link.Run(hard) })
	parts.Go(func() error { return p.about.Run(hard) })
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(hard, cancel)() // A part that fails ends all.
	var workers errgroup.Group
	for _, w := range p.workers {
		workers.Go(func() error { return w.run(running) })
	}
	err := workers.Wait()
	stop()
	err = errors.Join(err, parts.Wait())
	for _, s := range []*shards.Set{p.http, p.https, p.quic} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// Load is how much of their processors the workers use, from 0 to 1, since it was last
// asked for.
func (p *Pool) Load() float64 {
	pids := make([]int, 0, len(p.workers))
	for _, w := range p.workers {
		if pid := int(w.pid.Load()); pid != 0 {
			pids = append(pids, pid)
		}
	}
	return p.load.read(pids)
}

// Handler serves the pages of operation of each worker, behind its number.
func (p *Pool) Handler() http.Handler { return http.HandlerFunc(p.servePages) }
