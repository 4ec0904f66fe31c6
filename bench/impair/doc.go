// Package impair is a network of one's own in user space: delay, jitter, loss,
// reordering, duplicates, a bottleneck with its queue, outages and new NAT
// bindings, between two UDP ports or two TUN devices.
//
// Link is the core, one direction of a path: packets and their times of arrival
// go in, packets and their times of departure, or the reason why they were
// dropped, come out. It knows no clock, no socket and no goroutine. The stages,
// in this order:
//
//	outage > MTU > loss > queue and bottleneck > delay, jitter, reordering, duplicates
//
// What chance decides about the nth packet follows from the seed and n alone:
// every packet rolls the same dice, whatever became of those before it. Only what
// a queue drops depends on when packets came.
//
// A Scenario is what a person writes: Settings for both directions, a timeline
// of Steps that change them, traces. A Network runs it in real time. Sizes are
// those of IP packets: a datagram of 1200 bytes counts 1228 over IPv4.
package impair
