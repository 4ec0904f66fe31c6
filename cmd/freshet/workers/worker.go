package workers

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// firstPause and lastPause are the waits before a worker that ended is started again.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	// steady is how long it has to last for the waits to start again.
	steady = 10 * time.Second
	// lookEvery is how often a worker that is not ready is asked whether it is, and
	// lookAgain how often one that was.
	lookEvery = 25 * time.Millisecond
	lookAgain = time.Second
)

// worker is one process after the other at the same seat.
type worker struct {
	// Set by newWorker, then read-only.
	pool   *Pool
	brief  brief
	log    *slog.Logger
	client *http.Client // Of its pages of operation.
	exits  prometheus.Counter

	ready atomic.Bool
	pid   atomic.Int64 // 0 while there is none.
}

func newWorker(p *Pool, index int, exits *prometheus.CounterVec) *worker {
	b := brief{Config: p.cfg.Gateway, Index: index, Of: p.cfg.Gateway.Web.Workers, Dir: p.dir, Secret: p.secret}
	return &worker{
		pool: p, brief: b, log: p.log.With("worker", index),
		client: clientOf(b.opsPath()), exits: exits.WithLabelValues(strconv.Itoa(index)),
	}
}

// run keeps a process running until ctx ends and then has it drain.
func (w *worker) run(ctx context.Context) error {
	defer w.client.CloseIdleConnections()
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := w.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		w.exits.Inc()
		if time.Since(began) > steady {
			pause = firstPause
		}
		w.log.Error("worker ended, and is started again", "error", err, "pause", pause)
		sleep(ctx, pause/2+rand.N(pause))
		pause = min(2*pause, lastPause)
	}
	return nil
}

// once runs one process to its end.
func (w *worker) once(ctx context.Context) error {
	if err := os.Remove(w.brief.opsPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // What one that crashed has left.
	}
	cmd, stdin, err := w.start()
	if err != nil {
		return err
	}
	// Its end tells the worker that this process has ended.
	defer stdin.Close()
	w.pid.Store(int64(cmd.Process.Pid))
	defer w.pid.Store(0)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		w.watch(watching)
	}()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = w.drain(cmd, ended)
	}
	stop()
	<-watched
	w.ready.Store(false)
	return err
}

// start starts the process and tells it what to do.
func (w *worker) start() (*exec.Cmd, io.WriteCloser, error) {
	cmd := w.pool.cfg.Command()
	cmd.Stdout, cmd.Stderr = w.pool.cfg.Output, w.pool.cfg.Output
	cmd.ExtraFiles = []*os.File{w.pool.quic.File(w.brief.Index), w.pool.https.File(w.brief.Index)}
	if w.pool.http != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, w.pool.http.File(w.brief.Index))
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	if os.Getenv("GOMAXPROCS") == "" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start: %w", err)
	}
	if err := gob.NewEncoder(stdin).Encode(&w.brief); err != nil {
		err = errors.Join(fmt.Errorf("brief: %w", err), stdin.Close(), cmd.Process.Kill())
		return nil, nil, errors.Join(err, cmd.Wait())
	}
	return cmd, stdin, nil
}

// drain asks the process to end in good order, and sees to it that it ends.
func (w *worker) drain(cmd *exec.Cmd, ended <-chan error) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(err, cmd.Process.Kill(), <-ended)
	}
	timer := time.NewTimer(w.brief.Config.Drain.Deadline + beyondDrain)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		w.log.Warn("worker does not end, and is killed")
		return errors.Join(cmd.Process.Kill(), <-ended)
	}
}

// watch asks the process whether it is ready until ctx ends.
func (w *worker) watch(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := get(ctx, w.client, "/readyz")
		if w.ready.Swap(err == nil) != (err == nil) && ctx.Err() == nil {
			w.log.Info("worker", "ready", err == nil)
		}
		pause := lookAgain
		if err != nil {
			pause = lookEvery
		}
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
