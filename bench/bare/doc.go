// Package bare is the least that a server of live media over WebTransport does:
// webtransport-go as it comes, one goroutine a viewer that blocks in Write, one
// stream a group, payloads that all share. It has no protocol, no log and no
// priorities. It is what the gateway's costs are compared with, on the same
// machine, of the same bytes at the same times.
package bare
