// Package workers has viewers served by several processes, each with one processor of its
// own: a program of Go that wakes thousands of goroutines a second does so cheaper on one
// processor than on many, and no lock and no socket is everybody's.
//
// The gateway starts the processes and keeps their sockets (package shards). To it they
// are children like any relay, over a Unix socket (package unixconn): each subscribes
// once to a track that one of its viewers watches. What they measure and say of
// themselves is read over sockets in the same folder.
//
//	encoders ──> gateway ──unix──> worker 0 ──> viewers
//	                     └─unix──> worker 1 ──> viewers
package workers
