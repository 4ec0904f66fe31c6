// Package srt is the receiving side of SRT in live mode
// (draft-sharabayko-srt-01): a Listener takes callers, and each of them becomes
// a Conn that hands on what its encoder sends, in order and with a constant
// delay.
//
//	socket ──Run──┬─handshake──> Request ──Accept──> Conn
//	              └─data, control──> Conn: keys, receive.Receiver ──Receive──> put
//	                                   └──ACK, NAK, keep-alive──> socket
//
// One goroutine, Listener.Run's, reads the socket: up to 64 packets a system
// call, with the kernel's arrival times, and not more often than each few
// milliseconds, so that an encoder that paces its packets does not wake it for
// each. It puts the packets into their connections. One goroutine a connection,
// Receive's caller, does the rest: it sends what is to be sent and hands on what
// is due. All of them wake up on common ticks, which lets a machine with little
// to do sleep in between.
//
// The wire format is package packet's, decryption package keys', and what a
// receiver does about losses, order and time package receive's.
package srt
