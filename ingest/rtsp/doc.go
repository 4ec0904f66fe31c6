// Package rtsp is the door for encoders and cameras that speak RTSP (RFC 2326):
// encoders publish to it (ANNOUNCE, RECORD) over TCP or UDP, and it pulls from
// cameras (DESCRIBE, PLAY). Viewers are not served here.
//
//	RTP packets ──> depacketizer ──> access units ──> ingest.Session
//	sender reports ──> clock ───────┘
//
// H.264, H.265, AAC (RFC 3640 and RFC 6416) and Opus are carried. What else a
// session offers is listed by its name and left out.
package rtsp
