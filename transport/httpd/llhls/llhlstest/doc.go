// Package llhlstest checks an LL-HLS server from outside, over plain HTTP,
// against the rules of draft-pantos-hls-rfc8216bis and its Low-Latency Server
// Configuration Profile (appendix B.1). It knows nothing of Freshet: the URL of
// any Multivariant Playlist will do.
//
// Check follows every media playlist for a while as a low-latency client does,
// with blocking reloads, fetches what is listed and hinted, and probes the
// answers to what clients get wrong. What breaks a rule comes back as a
// Violation.
package llhlstest
