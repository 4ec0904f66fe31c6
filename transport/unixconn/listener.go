package unixconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/qmux"
)

// readyWithin bounds how long the other side may take to begin.
const readyWithin = 5 * time.Second

// Config configures a Listener.
type Config struct {
	// Path is where the socket's file is made; it must not be there.
	Path string
	// MoQ serves a session and returns when it has ended.
	MoQ func(ctx context.Context, conn moqt.Conn)
	// Logger may be nil.
	Logger *slog.Logger
}

// Listener accepts sessions.
type Listener struct {
	// Set by Listen, then read-only.
	cfg    Config
	socket net.Listener
}

// Listen makes the socket. Run must follow.
func Listen(cfg Config) (*Listener, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var conf net.ListenConfig
	socket, err := conf.Listen(context.Background(), "unix", cfg.Path)
	if err != nil {
		return nil, err
	}
	return &Listener{cfg: cfg, socket: socket}, nil
}

// Run serves until ctx ends, and then ends every session.
func (l *Listener) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { _ = l.socket.Close() })()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer cancel() // Before the wait.
	for {
		conn, err := l.socket.Accept()
		switch {
		case ctx.Err() != nil:
			if conn != nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		case err != nil:
			// Out of files, perhaps: whoever asked will ask again.
			l.cfg.Logger.Warn("unix socket", "error", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		sessions.Go(func() { l.serve(ctx, conn) })
	}
}

func (l *Listener) serve(ctx context.Context, socket net.Conn) {
	conn := qmux.New(config(socket, false))
	defer conn.CloseWithError(0, "")                                          //nolint:errcheck // It has ended already but for a handler that gave up.
	defer context.AfterFunc(ctx, func() { _ = conn.CloseWithError(0, "") })() // The other side may not.
	ready, stop := context.WithTimeout(ctx, readyWithin)
	err := conn.Ready(ready)
	stop()
	if err != nil {
		l.cfg.Logger.Debug("unix socket session", "error", err)
		return
	}
	l.cfg.MoQ(ctx, conn)
}
