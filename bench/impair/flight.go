package impair

import "time"

// airborne is a packet whose departure is known.
type airborne[T any] struct {
	parcel[T]
	at time.Duration
}

func (a *airborne[T]) before(b *airborne[T]) bool {
	return a.at < b.at || a.at == b.at && a.number < b.number
}

// flight is a heap by departure. container/heap would put each packet into an
// interface of its own.
type flight[T any] struct{ heap []airborne[T] }

func (f *flight[T]) len() int            { return len(f.heap) }
func (f *flight[T]) first() *airborne[T] { return &f.heap[0] }

func (f *flight[T]) push(a airborne[T]) {
	f.heap = append(f.heap, a)
	for i := len(f.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !f.heap[i].before(&f.heap[parent]) {
			return
		}
		f.heap[i], f.heap[parent] = f.heap[parent], f.heap[i]
		i = parent
	}
}

func (f *flight[T]) pop() airborne[T] {
	top := f.heap[0]
	last := len(f.heap) - 1
	f.heap[0] = f.heap[last]
	f.heap[last] = airborne[T]{} // Lets the packet go.
	f.heap = f.heap[:last]
	f.sink()
	return top
}

// sink moves the first down to its place.
func (f *flight[T]) sink() {
	for i := 0; ; {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(f.heap) && f.heap[child].before(&f.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		f.heap[i], f.heap[least] = f.heap[least], f.heap[i]
		i = least
	}
}

// fifo is a queue that reuses its room.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int  { return len(q.items) - q.head }
func (q *fifo[T]) first() *T { return &q.items[q.head] }

func (q *fifo[T]) push(v T) {
	// Moved only when half is free: each packet pays for one move at most.
	if len(q.items) == cap(q.items) && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

func (q *fifo[T]) pop() T {
	var none T
	v := q.items[q.head]
	q.items[q.head] = none
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v
}
