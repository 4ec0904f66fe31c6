// Package cluster is the directory of a cluster: who owns which broadcast, which
// relays there are and how they fare.
//
// In go claims (a publisher came to this node) and what this node is; out come
// leases, owners and nodes. A Member keeps what its node holds in a Store, a
// table with compare-and-set and expiry that all nodes share: Memory for one
// process, package natskv for NATS.
//
//	Member ──Put, Get, Delete──> Store <──Put, Get, Delete── Member
//	   ^──────────Watch──────────┘ └──────────Watch────────────^
//
// The directory is soft state. The node that has the encoder is the truth: it
// writes its record every 1.5 s, and the Store forgets a record that was not
// written for 5 s. While the Store is away everything owned stays owned and what
// was known stays known; when it is back, even empty, each node writes its
// records again. No viewer waits for it, and no medium passes through it.
//
// Each ownership has an epoch that rises with every change of owner and travels
// with the announcements of the broadcast: of two owners the one with the higher
// epoch counts everywhere, and the other one is told and ends its broadcast.
package cluster
