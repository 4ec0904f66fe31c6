// Package srt is the receiving side of SRT in live mode
// (draft-sharabayko-srt-01): a Listener takes callers, and each of them becomes
// a Conn that hands on what its encoder sends, in order and with a constant
// delay.
//
//	socket ──Run──┬─handshake──> Request ──Accept──> Conn
//	              └─data, control──> Conn: keys, receive.Receiver ──Receive──> put
//	                                   └──ACK, NAK, keep-alive──> socket
//
// One goroutine, Listener.Run's, has the socket: while something comes it reads
// every 5 ms what has come, up to 64 packets a system call, with the kernel's
// arrival times, puts the packets into their connections and wakes those that
// have something to do. One goroutine a connection, Receive's caller, sends what
// is to be sent and hands on what is due. So an encoder that paces its packets
// wakes nobody for each of them.
//
// The wire format is package packet's, decryption package keys', and what a
// receiver does about losses, order and time package receive's.
package srt
