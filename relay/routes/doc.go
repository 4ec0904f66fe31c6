// Package routes decides over which parent a relay gets a broadcast. It is pure
// policy: no socket, no clock, no goroutine.
//
// Every node announces what it can serve with the list of nodes that the broadcast
// passes on its way (hops). A node refuses what has passed it already, so that no
// loop forms, however the nodes are connected; and what has an older epoch than
// another announcement, so that of two owners of one name only the later counts.
package routes
