// Package client is a native viewer of a swarm: what web/src/swarm is in browsers.
//
//	moqt session ── catalog, beacons, media at the start ──┐
//	             ── extension: messages, fed pieces ───────┤
//	transport/rtc ── messages and pieces of peers ─────────┤
//	                                                       v
//	                    verify (relay/swarm/beacon) ──> swarm.Viewer ──actions──> edge, peers
//	                                                       └──> chunks, when they are due ──> Next
//
// A Viewer is a shell: relay/swarm's Viewer decides, this package tells it what
// happens and does what it wants. One goroutine, that of Run, owns the state; all
// others hand it functions. Nothing is handed to a peer or to Next before its hash
// was compared with a verified beacon. The machine's clock is taken for the server's:
// beacons count while it is right to within the playout delay and five seconds.
package client
