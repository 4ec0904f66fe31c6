// Package wtconn carries MoQT over WebTransport (draft-ietf-webtrans-http3;
// draft-ietf-moq-transport, section "WebTransport").
//
// In come HTTP/3 connections of package quicconn; out go moqt.Conn values to
// Config.MoQ, and every request that is not a WebTransport CONNECT to
// Config.Handler. A Server starts nothing of its own: a connection is served by
// the goroutine that calls ServeQUICConn, a session by that of its request.
package wtconn
