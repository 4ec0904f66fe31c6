// Package swarm simulates a peer swarm: an edge, its viewers and the network between
// them as discrete events in virtual time, around the very policy of relay/swarm. What
// the Viewers and the Tracker decide is the product's; what is modelled is who comes and
// goes, how fast bytes move, and what is played.
//
//	stream ──chunks──> edge ──feeds, hedges──> viewer ──pieces──> viewer
//	                    │ Tracker                │ Viewer (policy), playout
//	                    └──────trees, modes──────┘
//
// A Config and its seed decide a run wholly: Run gives the same Result again. What the
// network is like is in Network, with the reason of each number; uplinks are those that
// M-Lab measured (uplinks.json). What is left out: other traffic of the households but
// where a scenario says so, adaptive bitrates, processor time, the decoder.
//
// A piece in flight is two events, a viewer's clock twenty a second; a thousand viewers
// are some ten million events for 40 seconds.
package swarm
