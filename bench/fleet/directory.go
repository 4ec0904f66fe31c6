package fleet

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// Voters are the two of the three voters of an embedded directory without whom it does
// not answer.
func Voters() []string { return []string{"origin-b", "mid-a"} }

func (f *Fleet) natsURL() string { return fmt.Sprintf("nats://%s:4222", f.Machines["nats"].Addr) }

// StartDirectory starts what StopDirectory stopped: the NATS server, if the directory
// is external, else two voters.
func (f *Fleet) StartDirectory() error {
	if !f.cfg.External {
		return f.Start(context.Background(), Voters()...)
	}
	machine := f.Machines["nats"]
	var err error
	f.NATS, err = machine.Inside(rig.Command{
		Name: "nats", Path: f.cfg.Binary, Dir: f.cfg.Logs,
		Args: []string{"bench", "directory", "--host", machine.Addr.String(), "--dir", filepath.Join(f.data, "nats")},
	}).Start(context.Background()) // Close ends it.
	return err
}

// StopDirectory takes the directory away, without a word.
func (f *Fleet) StopDirectory() error {
	if f.cfg.External {
		return f.NATS.Kill()
	}
	for _, name := range Voters() {
		if err := f.Nodes[name].Kill(); err != nil {
			return err
		}
	}
	return nil
}

// DirectoryAway waits until a node says that the directory does not answer, and that
// it is ready nevertheless.
func (f *Fleet) DirectoryAway(ctx context.Context, node string) error {
	return within(ctx, 20*time.Second, func(ctx context.Context) error {
		metrics, err := f.Nodes[node].Metrics(ctx)
		if err != nil {
			return err
		}
		if metrics.Sum("freshet_cluster_up") != 0 {
			return fmt.Errorf("the metrics of %s say that the directory answers", node)
		}
		_, err = rig.Get(ctx, f.Nodes[node].Operator("/readyz"))
		return err
	})
}
