// Package swarm is the edge's half of the peer swarm: it takes viewers in over an
// extension of their MoQ sessions, keeps the tree of each swarm by relay/swarm's
// Tracker, passes signals between those who were made known to each other, and sends
// what no peer does.
//
//	moqt session ── stream 0x66731 ──> member ──events──> room (Tracker)
//	             <─ messages ───────── outbox <──actions──┘
//	             <─ stream 0x66732 ─── feeder, hedges <──── relay.Track
//
// A room is one swarm: one video track of one broadcast at this edge. Its goroutine
// alone touches the Tracker, and nobody waits for a viewer there. A member is one
// viewer in one room, with a goroutine that reads, one that writes, one that feeds, and
// one for each hedge that is being answered; they end with the member's stream.
//
// The protocol is docs/swarm-protocol.md, how to run it docs/swarm-operation.md.
package swarm
