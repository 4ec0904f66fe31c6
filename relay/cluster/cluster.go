package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// TTL is how long a record outlives its last renewal.
	TTL = 5 * time.Second
	// renewEvery is the time between renewals, +-20 %: three may fail.
	renewEvery = 1500 * time.Millisecond
)

// The errors of this package; test with errors.Is.
var (
	// ErrOwned: another node, or another publisher of this one, owns the broadcast.
	ErrOwned = errors.New("owned elsewhere")
	// ErrUnavailable: the directory does not answer.
	ErrUnavailable = errors.New("the directory does not answer")
	// ErrLost: another node owns the broadcast by now.
	ErrLost = errors.New("ownership lost")
	// ErrDuplicateNode: another process uses the same node ID.
	ErrDuplicateNode = errors.New("another process uses the same node ID")
)

// Directory is what the parts of a node know about the cluster. Its methods may
// be called from any goroutine; only Acquire waits for the network.
type Directory interface {
	// Acquire makes this node the owner of a broadcast. It takes what nobody
	// owns, what this node owned before it was restarted, what is held for a
	// publisher that has gone, and what a publisher of lower priority sends; else
	// it gives an *OwnedError. While the directory is away the Policy decides, and
	// ErrUnavailable says no. The caller releases the Lease.
	Acquire(ctx context.Context, name string, claim Claim) (Lease, error)
	// Owner tells who owns a broadcast, from what was last heard.
	Owner(name string) (Owner, bool)
	// Owners are all of them by name, and a channel that is closed at the next
	// change.
	Owners() ([]Owner, <-chan struct{})
	// Register tells the other nodes what this one is like now. The ID stays that
	// of the Config.
	Register(Node)
	// Nodes are the living nodes by ID, this one among them, and a channel that is
	// closed at the next change.
	Nodes() ([]Node, <-chan struct{})
	// Health is nil while the directory answers, and says what is wrong.
	Health() error
}

// Claim says for whom a broadcast is wanted.
type Claim struct {
	// Publisher is who publishes, as far as it is known: for people to read.
	Publisher string
	// Priority decides between two living publishers; the higher one wins, and
	// between equals the first.
	Priority int
}

// Lease is the ownership of one broadcast.
type Lease interface {
	// Epoch fences: a later owner has a higher one.
	Epoch() uint64
	// Lost is closed when another node owns the broadcast; Err says which. A
	// directory that is away loses nothing.
	Lost() <-chan struct{}
	Err() error
	// Hold says that the publisher has gone or is silent, and is waited for (true), or
	// is back. A held broadcast may be taken by another node. It does not wait.
	Hold(held bool)
	// Release gives the broadcast up. It does not wait.
	Release()
}

// Owner is who owns a broadcast.
type Owner struct {
	Name      string // The broadcast.
	Node      string // The ID of the node.
	Publisher string // See Claim.
	Priority  int    // See Claim.
	Epoch     uint64
	Held      bool // The publisher has gone and is waited for.
}

// Tier is the place of a node between encoders and viewers.
type Tier string

// The tiers.
const (
	TierOrigin Tier = "origin" // Takes encoders.
	TierMid    Tier = "mid"    // Shields origins.
	TierEdge   Tier = "edge"   // Serves viewers.
)

// Node is what the others know about a relay.
type Node struct {
	ID     string  `json:"id"`
	Tier   Tier    `json:"tier"`
	Region string  `json:"region,omitempty"`
	URL    string  `json:"url,omitempty"`   // Where other relays reach it.
	Load   float64 `json:"load"`            // 0 is idle, 1 is full.
	Drain  bool    `json:"drain,omitempty"` // It is going down: no new work.
}

// Policy says what becomes of a new publisher while the directory is away.
type Policy string

// The policies.
const (
	// Accept lets a publisher in unless another node was known to own the name.
	Accept Policy = "accept"
	// Reject turns it away.
	Reject Policy = "reject"
)

// OwnedError is the ErrOwned that names the owner.
type OwnedError struct{ Owner Owner }

func (e *OwnedError) Error() string { return fmt.Sprintf("owned by node %q", e.Owner.Node) }

// Is makes it an ErrOwned.
func (e *OwnedError) Is(target error) bool { return target == ErrOwned }
