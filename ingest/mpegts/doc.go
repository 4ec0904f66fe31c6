// Package mpegts turns an MPEG transport stream (ISO/IEC 13818-1) into access
// units. The Demuxer is a state machine without clock, socket or goroutine:
// bytes in any chunking go in with the time of their arrival, an ingest.Program
// and ingest.AccessUnits come out through an ingest.Sink.
//
//	Write -> framer -> packet -> PID -> section -> PAT, PMT -> SetProgram
//	                                 -> PES -> video, audio -> Push
//
// Nothing in the input is fatal. Damage is counted by Class, the damaged unit is
// left out, and the unit after it says Lost. A stream that is not a transport
// stream at all is refused with ErrNoSync.
//
// A picture leaves when its last byte is known to be here. Most multiplexers
// give video no PES_packet_length, so the end of a PES is learned: the packet
// with stuffing in its adaptation field is the last one. See learn.go.
//
// Looper goes the other way: it repeats a clip for ever with timestamps that
// keep rising, for demonstrations and load tests.
package mpegts
