// Package load puts a gateway under measured load: a broadcast of a known rate
// pushed over SRT, and viewers who subscribe over WebTransport and read all they
// get. Everything runs on this machine, so gateway and viewers share its cores.
package load
