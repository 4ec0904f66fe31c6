// Package uplink connects a relay to its parents: it hears what they can serve,
// chooses a way to each broadcast (package routes), and brings the tracks that
// somebody here demands. A parent that is lost, or goes away in good order, is
// replaced under the running tracks.
//
// Relays of ours announce on a track of their own, Namespace and Track, with the
// hops of each broadcast; other relays are asked with SUBSCRIBE_NAMESPACE.
package uplink
