// Package natskv is a cluster.Store on NATS JetStream: two key-value buckets,
// "streams" and "nodes". The NATS server is an external cluster (URLs), or runs
// in this process and is reached without a socket (Server):
//
//	alone   no routes: one replica; edges may come in as leaf nodes
//	voter   two or more routes: three replicas on disks, survives the loss of one
//	        node in three without a pause of more than a second
//	leaf    keeps nothing and hands on to the voters: what an edge should be
//
// What nats-server 2.15 and its client do unexpectedly, and what is done here:
//
//   - The TTL of one key ends with its next update: so the bucket has the TTL,
//     and each write restarts it.
//   - An expired key would vanish without a word to watchers: LimitMarkerTTL.
//   - A watch lives on one server and stalls for 10 s and more when that one
//     dies: so a watch only lists; changes come by RePublish over plain
//     subjects, which return with the first write.
//   - Three replicas in memory do not come back when two were lost: file storage.
//   - Acknowledged writes reach the disk late, by default every 2 min: SyncAlways.
//   - A leaf's mirror of the hub is 20 s late after a loss: leafs have none.
//   - With the quorum lost, reads still answer and writes do not: a node judges
//     by its writes.
package natskv
