// Package wsconn carries MoQT over WebSockets, for viewers that QUIC does not reach: no
// WebTransport in the browser, or UDP blocked on the way. It is QMux over WebSocket
// (draft-lcurley-qmux-websocket-00): each binary message is a record of package qmux.
//
// In come HTTP/1.1 requests to upgrade, to Server.ServeHTTP; out go moqt.Conn values to
// Config.MoQ. A Server starts nothing: a session is served by the goroutine of its
// request, beside the two of its qmux.Conn and one that pings.
package wsconn
