// Package receive is the receiving half of an SRT connection in live mode
// (draft-sharabayko-srt-01, section 4) as a pure state machine: packets and the
// time go in, payloads and control traffic come out. It has no socket, no lock,
// no goroutine and no clock of its own, and it imports nothing of ours.
//
//	Data, DropRequest ──> ring by sequence number ──Pop, Flush──> payloads
//	                         │           │
//	ACKACK ──> RTT, drift    └─ losses ──┴──Work──> ACK, NAK
//
// Inside, a packet has a position: the count of packets since the initial
// sequence number, which does not wrap. Every position from head to next is
// either held in the ring or named by an interval of the loss list, so that the
// first packet that can be delivered, the point to acknowledge and what to ask
// for again are all found without walking over packets.
//
// The sender's timestamps are unwrapped against the receiver's own clock, so a
// connection may be silent for any number of their 71.6 minutes.
//
// A Receiver belongs to whoever calls it; its methods must not run concurrently.
package receive
