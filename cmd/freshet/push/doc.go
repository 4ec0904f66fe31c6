// Package push sends a transport stream to a gateway: it is what "freshet push"
// does, and how the demo feeds itself.
//
//	Source ──packets──> Queue ──bursts──> Output ──SRT, QUIC, MoQ──> gateway
//
// A Source never waits for the network: while an Output has no connection, the
// Queue lets go of what is oldest. Sources and Outputs come back by themselves.
package push
