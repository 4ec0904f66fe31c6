// Package unixconn carries MoQT sessions between processes of one machine, over a Unix
// domain socket: QUIC's streams by package qmux, without QUIC's packets and without
// TLS. Whoever may open the socket's file is trusted; it belongs into a folder that is
// the user's alone.
package unixconn
