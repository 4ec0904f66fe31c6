// Package srt takes what encoders push over SRT (draft-sharabayko-srt): the
// bytes of one MPEG transport stream per connection go through a demuxer into
// an ingest.Session.
//
//	caller ──handshake──> stream id, passphrase, Sessions.Open ──> accepted
//	       ──packets────> mpegts.Demuxer ──AccessUnit──> Session
//
// The protocol itself is package transport/srt's; this package decides who may
// come in, tells a refused caller why in the codes of libsrt, and watches each
// connection. Push and Call are the caller's side, over gosrt.
package srt
