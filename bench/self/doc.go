// Package self watches the measuring process itself, so that what it could not keep
// up with is not blamed on the server: the CPU it used, how late its timers are, and
// the datagrams that found its sockets' buffers full.
package self
