package cluster

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// Memory is a Store for the nodes of one process: a lone node, or a cluster in
// a test. Every node has its own Link to it.
type Memory struct {
	mu       sync.Mutex
	entries  map[memoryKey]*memoryEntry // Guarded by mu.
	revision uint64                     // Guarded by mu.
	links    []*Link                    // Guarded by mu. Those that run.
	down     bool                       // Guarded by mu.
}

type memoryKey struct {
	table Table
	key   string
}

type memoryEntry struct {
	value    []byte
	revision uint64
	expiry   *time.Timer
}

// NewMemory makes an empty Memory.
func NewMemory() *Memory {
	return &Memory{entries: make(map[memoryKey]*memoryEntry)}
}

// Link makes the Store of one node.
func (m *Memory) Link() *Link { return &Link{memory: m} }

// SetDown makes the Memory fail for everybody, or work again.
func (m *Memory) SetDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
	for _, l := range m.links {
		l.wakeLocked()
	}
}

// Wipe forgets everything, and that revisions ever rose.
func (m *Memory) Wipe() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		e.expiry.Stop()
	}
	clear(m.entries)
	m.revision = 0
}

// Link is one node's way to a Memory. It implements Store.
type Link struct {
	memory *Memory

	// All guarded by memory.mu.
	running  bool
	cut      bool
	watchers []*memoryWatcher
}

// memoryWatcher is one Watch.
type memoryWatcher struct {
	table Table
	queue []Entry       // Guarded by memory.mu.
	wake  chan struct{} // One slot.
}

// SetDown cuts this node off, or connects it again.
func (l *Link) SetDown(down bool) {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	l.cut = down
	l.wakeLocked()
}

// Run implements Store.
func (l *Link) Run(ctx context.Context) error {
	m := l.memory
	m.mu.Lock()
	l.running = true
	m.links = append(m.links, l)
	m.mu.Unlock()
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	l.running = false
	m.links = without(m.links, l)
	l.wakeLocked()
	return nil
}

// Get implements Store.
func (l *Link) Get(_ context.Context, table Table, key string) (Entry, error) {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	if l.downLocked() {
		return Entry{}, ErrUnavailable
	}
	e, ok := l.memory.entries[memoryKey{table, key}]
	if !ok {
		return Entry{}, ErrNotFound
	}
	return Entry{Key: key, Value: e.value, Revision: e.revision}, nil
}

// Put implements Store.
func (l *Link) Put(_ context.Context, table Table, key string, value []byte, revision uint64) (uint64, error) {
	m, k := l.memory, memoryKey{table, key}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := l.expectLocked(k, revision); err != nil {
		return 0, err
	}
	if old := m.entries[k]; old != nil {
		old.expiry.Stop()
	}
	m.revision++
	e := &memoryEntry{value: bytes.Clone(value), revision: m.revision}
	e.expiry = time.AfterFunc(TTL, func() { m.expire(k, e) })
	m.entries[k] = e
	m.emitLocked(table, Entry{Key: key, Value: e.value, Revision: e.revision})
	return e.revision, nil
}

// Delete implements Store.
func (l *Link) Delete(_ context.Context, table Table, key string, revision uint64) error {
	m, k := l.memory, memoryKey{table, key}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := l.expectLocked(k, revision); err != nil {
		return err
	}
	if e := m.entries[k]; e != nil {
		m.removeLocked(k, e)
	}
	return nil
}

func (l *Link) expectLocked(k memoryKey, revision uint64) error {
	if l.downLocked() {
		return ErrUnavailable
	}
	var current uint64
	if e := l.memory.entries[k]; e != nil {
		current = e.revision
	}
	if current != revision {
		return ErrConflict
	}
	return nil
}

func (m *Memory) expire(k memoryKey, e *memoryEntry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[k] == e {
		m.removeLocked(k, e)
	}
}

func (m *Memory) removeLocked(k memoryKey, e *memoryEntry) {
	e.expiry.Stop()
	delete(m.entries, k)
	m.revision++
	m.emitLocked(k.table, Entry{Key: k.key, Revision: m.revision})
}

// Watch implements Store.
func (l *Link) Watch(ctx context.Context, table Table, emit func(Entry)) error {
	w, err := l.watch(table)
	if err != nil {
		return err
	}
	defer l.unwatch(w)
	for {
		l.memory.mu.Lock()
		queue, down := w.queue, l.downLocked()
		w.queue = nil
		l.memory.mu.Unlock()
		if down {
			return ErrUnavailable
		}
		for _, e := range queue {
			emit(e)
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Link) watch(table Table) (*memoryWatcher, error) {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	if l.downLocked() {
		return nil, ErrUnavailable
	}
	w := &memoryWatcher{table: table, wake: make(chan struct{}, 1)}
	for k, e := range l.memory.entries {
		if k.table == table {
			w.queue = append(w.queue, Entry{Key: k.key, Value: e.value, Revision: e.revision})
		}
	}
	l.watchers = append(l.watchers, w)
	return w, nil
}

func (l *Link) unwatch(w *memoryWatcher) {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	l.watchers = without(l.watchers, w)
}

func (m *Memory) emitLocked(table Table, e Entry) {
	for _, l := range m.links {
		for _, w := range l.watchers {
			if w.table == table {
				w.queue = append(w.queue, e)
			}
		}
		l.wakeLocked()
	}
}

func (l *Link) wakeLocked() {
	for _, w := range l.watchers {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func (l *Link) downLocked() bool { return !l.running || l.cut || l.memory.down }

// without gives a list of its own.
func without[T comparable](list []T, item T) []T {
	out := make([]T, 0, len(list))
	for _, i := range list {
		if i != item {
			out = append(out, i)
		}
	}
	return out
}
