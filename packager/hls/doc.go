// Package hls is the HTTP Live Streaming view of the relay log
// (draft-pantos-hls-rfc8216bis, "LL-HLS"): it reads the catalog and the media
// tracks of every broadcast and keeps, for each Rendition, a Playlist.
//
//	relay.Track ── Reader ──> rendition ──> Playlist (immutable, swapped whole)
//	      group ~ GOP             segment = whole groups, part = whole chunks
//
// Nothing is copied and nothing is decoded: of each chunk only the boxes are
// read, and segments and parts are lists of the payloads in the log. One
// goroutine per broadcast, owned by Server.Run, builds all its renditions, so
// that they cut together. Viewers only load an atomic pointer.
//
// The package speaks no HTTP; transport/httpd/llhls does.
package hls
