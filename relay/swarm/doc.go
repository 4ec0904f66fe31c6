// Package swarm decides who gets which piece of a video track from whom: pure
// policy, without socket, clock or goroutine.
//
//	edge:   Tracker  joins, reports, load  -> candidates, trees, modes, bans
//	viewer: Viewer   beacons, pieces, peers -> pushes, pulls, hedges, reports
//
// Both are state machines: Step takes the time and one event and gives actions,
// which the caller carries out. The caller verifies pieces (package beacon)
// before a Viewer hears of them. The browser has the same Viewer in TypeScript
// (web/src/swarm); vectors in testdata hold the two together.
//
// Times are durations since an arbitrary start that the caller chooses; one
// machine never sees them fall.
//
// The protocol is docs/swarm-protocol.md, the reasons docs/swarm-policy.md.
package swarm
