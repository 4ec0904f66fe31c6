// Package node is the core of a node without its sockets: the relay, who may
// publish in it, the MoQ server in front of it, and its place among other nodes.
//
//	publishers ──> Sessions ──┐
//	MoQ publishers ──> MoQ ───┼──> Relay ──> MoQ ──> viewers, children
//	parents ──> Uplink ───────┘
//	             Directory: who owns which name, who the parents are
//
// The gateway adds doors, LL-HLS and operation to it; the tests of tiers in
// virtual time run many of them in one process.
package node
