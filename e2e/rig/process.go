package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs beside the test, its output kept in a file.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}

	mu  sync.Mutex
	err error // Guarded by mu; set before done is closed.
}

// Command is a program to start.
type Command struct {
	Name  string // of the log file, and in errors
	Path  string
	Args  []string
	Env   []string // added to the caller's
	Stdin io.Reader
	// Stdout goes to the log file unless it is set.
	Stdout io.Writer
	Dir    string // where the log file goes
}

// Start starts the program; the end of ctx kills it.
func (c Command) Start(ctx context.Context) (*Process, error) {
	log, err := os.Create(filepath.Join(c.Dir, c.Name+".log"))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	cmd := exec.CommandContext(ctx, c.Path, c.Args...) //nolint:gosec // the test names the program
	cmd.Stdout, cmd.Stderr = log, log
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	cmd.Stdin = c.Stdin
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = dieWithParent()
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, errors.Join(err, log.Close()))
	}
	p := &Process{name: c.Name, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	go p.wait(log) // Stop waits for it.
	return p, nil
}

func (p *Process) wait(log *os.File) {
	err := errors.Join(p.cmd.Wait(), log.Close())
	p.mu.Lock()
	p.err = err
	p.mu.Unlock()
	close(p.done)
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the program's process number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Err is how the program ended: nil while it runs or after exit status 0.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Output is what the program has printed so far.
func (p *Process) Output() string {
	out, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(out))
}

// Signal sends a signal; one to a program that has ended is no error.
func (p *Process) Signal(signal syscall.Signal) error {
	err := p.cmd.Process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the program to end, kills it after the grace, and returns when it
// has ended, with its error if it had to be killed.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return fmt.Errorf("%s had to be killed after %v", p.name, grace)
}

// Kill ends the program without a word, and returns when it has ended.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	<-p.done
	return err
}
