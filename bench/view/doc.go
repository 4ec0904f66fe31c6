// Package view is an audience: viewers of a broadcast over MoQ or LL-HLS who check that
// every object comes once and has the bytes that others got, and measure its delay,
// how long nothing came, and what a player's buffer would have made of it.
//
// A viewer does as a player does. It joins at the newest group; on GOAWAY it connects
// to where the gateway sends it, goes on there behind the last object (what lies
// between is fetched) and leaves the old session; after a session that ended without
// a GOAWAY, which is counted, it connects again.
package view
