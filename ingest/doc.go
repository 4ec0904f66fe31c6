// Package ingest holds what every contribution protocol hands on: the
// AccessUnit (ISO/IEC 13818-1), the Program it belongs to, the Sink that takes
// them, and the Sessions that say who may publish under which name.
//
//	ingest/srt, quic, rtsp ──bytes──> ingest/mpegts ──AccessUnit──> Sink (packager)
//
// One owner at a time publishes a name. When its session ends, the Sink is kept
// for a hold window, so that an encoder that comes back continues the same
// broadcast and no viewer is dropped.
package ingest
