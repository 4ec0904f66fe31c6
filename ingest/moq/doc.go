// Package moq takes in what MoQ publishers send: it asks ingest.Sessions for the
// name, as every door does, and announces the tracks in the relay as they are.
//
// A broadcast whose catalog (MSF) lists CMAF tracks is looked at once, chunk by
// chunk: groups of video begin with a key frame, chunks are whole and in order.
// What follows, LL-HLS above all, may then rely on it. A broadcast of LOC tracks is
// packaged as if it came from an encoder (packaged.go, loc): its catalog and its
// tracks are the packager's then. Other tracks pass unseen, as they would at any
// relay.
//
// Beacons (relay/swarm/beacon) are signed for what is packaged here alone. A catalog
// that somebody else wrote is passed on as it is, so who writes it signs: a publisher
// may bring tracks of beacons, and name them and its keys in its catalog.
package moq
