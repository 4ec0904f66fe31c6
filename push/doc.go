// Package push sends a transport stream to a gateway: it is what "freshet push"
// does, how the demo feeds itself, and the sending side of "freshet bench push".
//
//	Source ──packets──> Queue ──bursts──> Output ──SRT, QUIC, MoQ, RTSP──> gateway
//
// A Source never waits for the network: while an Output has no connection, the
// Queue lets go of what is oldest. Sources and Outputs come back by themselves.
package push
