// Package httpd is the front of a node: HTTP/1.1, 2 and 3, WebTransport, raw
// QUIC and WebSockets for MoQT, on one plain and one encrypted address.
//
// It serves the player's page and files, a small API, and mounts what it is
// handed: a handler for LL-HLS, a function for MoQT connections. New binds the
// addresses, Run serves. When Run's context ends the server drains: it takes no
// new connection, asks sessions to leave, lets requests end, and closes what is
// left at the deadline.
package httpd
