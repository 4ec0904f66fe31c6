package steady

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// role is the first argument of a program that is the origin, before the rate.
const role = "steady-origin"

// ServeRole is the origin if a program's arguments ask for it, and false otherwise.
func ServeRole(ctx context.Context, args []string) (bool, error) {
	if len(args) != 2 || args[0] != role {
		return false, nil
	}
	kbits, err := strconv.Atoi(args[1])
	if err != nil {
		return true, err
	}
	return true, serve(ctx, kbits)
}

// Scene is an origin and an edge, each a process.
type Scene struct {
	Edge *rig.Gateway
	// Origin is the origin's address.
	Origin string

	origin *rig.Process
	dir    string
}

// NewScene starts an origin, which is this program again, and an edge.
func NewScene(ctx context.Context, kbits int, edge rig.GatewayConfig) (s *Scene, err error) {
	s = new(Scene)
	if s.dir, err = os.MkdirTemp("", "freshet-bench-"); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if err = s.start(ctx, kbits, edge); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Scene) start(ctx context.Context, kbits int, edge rig.GatewayConfig) (err error) {
	s.origin, s.Origin, err = Start(ctx, s.dir, role, strconv.Itoa(kbits))
	if err != nil {
		return err
	}
	if edge.Binary == "" {
		if edge.Binary, err = rig.Build(ctx, s.dir); err != nil {
			return err
		}
	}
	edge.Dir, edge.Name, edge.Parents = s.dir, "edge", []string{"moqt://" + s.Origin}
	s.Edge, err = rig.StartGateway(ctx, edge)
	return err
}

// Start runs this program with arguments that make it a server, and gives the
// address that it prints.
func Start(ctx context.Context, dir string, args ...string) (*rig.Process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	return StartProgram(ctx, self, dir, args...)
}

// StartProgram is Start of any program.
func StartProgram(ctx context.Context, program, dir string, args ...string) (*rig.Process, string, error) {
	out, in := io.Pipe()
	p, err := rig.Command{Name: args[0], Path: program, Args: args, Dir: dir, Stdout: in}.Start(ctx)
	if err != nil {
		return nil, "", err
	}
	go func() {
		<-p.Done()
		_ = in.Close() // Wakes who waits for the address.
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, "", fmt.Errorf("%s does not start: %w\n%s", args[0], err, p.Output())
	}
	return p, strings.TrimSpace(address), nil
}

// Alive tells whether both still run.
func (s *Scene) Alive() error {
	for _, p := range []*rig.Process{s.origin, s.Edge.Process} {
		select {
		case <-p.Done():
			return fmt.Errorf("a server ended: %w\n%s", p.Err(), p.Output())
		default:
		}
	}
	return nil
}

// Close stops both and removes what was written.
func (s *Scene) Close() error {
	var errs []error
	if s.Edge != nil && s.Edge.Process != nil {
		errs = append(errs, s.Edge.Stop(15*time.Second))
	}
	if s.origin != nil {
		errs = append(errs, s.origin.Stop(5*time.Second))
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// Pause waits, or until ctx ends: then it gives the cause.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
