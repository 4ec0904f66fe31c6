// Package clienttest has viewers of a swarm that misbehave, for tests of those who
// do not.
package clienttest

import (
	"slices"
	"sync/atomic"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/swarm/client"
)

// Fault is what a viewer does wrong.
type Fault int32

// The faults.
const (
	None Fault = iota
	// Pollute sends pieces with a byte changed.
	Pollute
	// Forge sends pieces with a byte changed, and a beacon with another.
	Forge
	// Starve says what it has and sends nothing.
	Starve
	// Flood sends each piece over and over.
	Flood
	// Splice sends the bytes of one piece as another.
	Splice
	// Ride takes and gives nothing: its uplink, it says, is worth none.
	Ride
)

// Faulty are Peers whose connections have a fault, as long as it is switched on.
type Faulty struct {
	client.Peers
	fault atomic.Int32
	// Bad counts the pieces that were sent with a fault.
	Bad atomic.Int64
}

// NewFaulty makes Peers that are without fault until Set says otherwise.
func NewFaulty(p client.Peers) *Faulty { return &Faulty{Peers: p} }

// Set switches a fault on, or off.
func (f *Faulty) Set(fault Fault) { f.fault.Store(int32(fault)) }

// Uplink implements client.Peers.
func (f *Faulty) Uplink() int64 {
	if Fault(f.fault.Load()) == Ride {
		return 1
	}
	return f.Peers.Uplink()
}

// Conn implements client.Peers.
func (f *Faulty) Conn(cfg rtc.ConnConfig) client.Link {
	return &link{Link: f.Peers.Conn(cfg), peers: f}
}

type link struct {
	client.Link
	peers *Faulty
	last  []byte
}

// Push implements client.Link.
func (l *link) Push(id swarm.PieceID, piece, beacon []byte) bool {
	fault := Fault(l.peers.fault.Load())
	if fault != None {
		l.peers.Bad.Add(1)
	}
	switch fault {
	case Pollute:
		return l.Link.Push(id, changed(piece), beacon)
	case Forge:
		return l.Link.Push(id, changed(piece), changed(beacon))
	case Starve:
		return true
	case Flood:
		for range 8 {
			l.Link.Push(id, piece, beacon)
		}
		return true
	case Splice:
		piece, l.last = l.last, piece
		return len(piece) == 0 || l.Link.Push(id, piece, beacon)
	default:
		return l.Link.Push(id, piece, beacon)
	}
}

// changed is b with its last byte changed.
func changed(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	b = slices.Clone(b)
	b[len(b)-1] ^= 1
	return b
}
