// Package llhls serves packager/hls over HTTP: playlists, headers, segments and
// parts, with the Low-Latency Server Configuration Profile of
// draft-pantos-hls-rfc8216bis (appendix B.1).
//
//	/{namespace}/index.m3u8              Multivariant Playlist
//	/{namespace}/{rendition}/index.m3u8  Media Playlist
//	/{namespace}/{rendition}/*.m4s       segments and parts
//	/{namespace}/{rendition}/init-*.mp4  headers
//
// A request that waits, for a playlist version or for a hinted part, holds no
// goroutine but net/http's own: it waits on the channel that the version in
// force closes when it is replaced. Texts are rendered and compressed once for
// all viewers.
package llhls
