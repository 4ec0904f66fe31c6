package cluster

import (
	"context"
	"errors"
)

// The answers of a Store that are no failures of it.
var (
	// ErrConflict: the key's revision is not the expected one.
	ErrConflict = errors.New("wrong revision")
	// ErrNotFound: there is no such key.
	ErrNotFound = errors.New("no such key")
)

// Table is one of the tables of a Store.
type Table string

// The tables. Keys are base32, so every Store can have them.
const (
	Streams Table = "streams"
	Nodes   Table = "nodes"
)

// Entry is one key of a table.
type Entry struct {
	Key string
	// Value is nil when the key has gone. It is not written to.
	Value []byte
	// Revision rises with each write, until the Store loses everything: then it
	// may begin anew.
	Revision uint64
}

// Store is what the nodes of a cluster share: tables that forget a key which
// was not written for TTL. Any error but ErrConflict and ErrNotFound means that
// it does not answer; the write may have been done all the same.
type Store interface {
	// Run keeps the Store reachable until ctx ends. What is called before, or
	// after, fails at once.
	Run(ctx context.Context) error
	Get(ctx context.Context, table Table, key string) (Entry, error)
	// Put writes a key whose revision is the given one, zero for a key that must
	// not be there, and gives the new revision. value is not retained.
	Put(ctx context.Context, table Table, key string, value []byte, revision uint64) (uint64, error)
	Delete(ctx context.Context, table Table, key string, revision uint64) error
	// Watch emits every key there is and then every write, from one goroutine and
	// in order for each key, until ctx ends or the Store fails. Writes may be
	// missed; those of living records are repeated by their owners anyway.
	Watch(ctx context.Context, table Table, emit func(Entry)) error
}
