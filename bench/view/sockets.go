package view

import (
	"errors"
	"net"
	"sync"

	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/bench/self"
)

// wantBuffer is what a socket asks of the kernel for: a burst for all of its
// connections must fit in.
const wantBuffer = 7 << 20

// sockets are those that connections share: one socket for each thousand viewers
// would be too few readers, one for each viewer too many wake-ups.
type sockets struct {
	// Set by newSockets, then read-only.
	per   int
	drops *self.Drops

	mu   sync.Mutex
	open map[int]*quic.Transport // Guarded by mu.
}

func newSockets(per int) *sockets {
	return &sockets{per: per, drops: self.NewDrops(), open: make(map[int]*quic.Transport)}
}

// of gives the socket of a viewer; nil is one that its connections make.
func (s *sockets) of(viewer int) (*quic.Transport, error) {
	if s.per <= 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := viewer / s.per
	if t := s.open[n]; t != nil {
		return t, nil
	}
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(wantBuffer) // What the kernel does not give shows as drops.
	s.drops.Watch(0, conn)
	t := &quic.Transport{Conn: conn}
	s.open[n] = t
	return t, nil
}

func (s *sockets) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops.Read()
	errs := make([]error, 0, 2*len(s.open))
	for _, t := range s.open {
		errs = append(errs, t.Close(), t.Conn.Close())
	}
	clear(s.open)
	return errors.Join(errs...)
}
