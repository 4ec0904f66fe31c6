package sweep

import (
	"context"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/proc"
	"github.com/freshet-live/freshet/bench/self"
)

// gauge is two readings of server, machine and client, some time apart. end must
// follow begin.
type gauge struct {
	server  *server
	from    time.Time
	usage   proc.Usage
	machine proc.Machine

	watch    *self.Watch
	watching sync.WaitGroup
	stop     context.CancelFunc
}

func (s *sweep) begin(ctx context.Context, server *server) (*gauge, error) {
	g := &gauge{server: server, watch: self.New(nil)}
	var err error
	if g.usage, g.machine, err = read(server); err != nil {
		return nil, err
	}
	ctx, g.stop = context.WithCancel(ctx)
	g.watching.Go(func() { _ = g.watch.Run(ctx) }) // Nothing but its end.
	g.from = time.Now()
	return g, nil
}

// end puts into t what was used since.
func (g *gauge) end(t *Trial) error {
	t.Seconds = time.Since(g.from).Seconds()
	usage, machine, err := read(g.server)
	g.stop()
	g.watching.Wait()
	if err != nil {
		return err
	}
	t.Cores, t.RSS = (usage.CPU-g.usage.CPU).Seconds()/t.Seconds, usage.RSS
	t.Idle, t.Client = machine.Since(g.machine).IdleShare(), g.watch.Verdict()
	return nil
}

func read(server *server) (proc.Usage, proc.Machine, error) {
	usage, err := proc.Tree(server.pid)
	if err != nil {
		return usage, proc.Machine{}, err
	}
	machine, err := proc.ReadMachine()
	return usage, machine, err
}
