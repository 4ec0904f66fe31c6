// Package qmux runs QUIC's streams over a reliable, ordered carrier of messages, for
// peers that QUIC does not reach: QMux (draft-ietf-quic-qmux-02; what is used of it is
// the same in -01, which MoQT's draft 18 names), with the record layer left to the
// carrier's messages as draft-lcurley-qmux-websocket-00 has it for WebSockets.
//
// A Conn is a moqt.Conn. What QUIC gives and TCP does not, it cannot give either: a
// lost segment holds up all streams, and what was written to the carrier cannot be
// taken back. So as little as possible is written ahead: a Write waits until the
// carrier took its bytes (package wsconn keeps the kernel's queue short), and streams
// take turns of one record.
//
// Not sent: DATA_BLOCKED and its like, which are advice. QX_PING goes only to peers that
// have an idle timeout, as the carrier has pings of its own. RESET_STREAM_AT is not offered.
package qmux
