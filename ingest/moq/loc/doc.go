// Package loc turns objects of the Low Overhead Media Container
// (draft-ietf-moq-loc-03) into access units.
//
//	Object properties          Object payload
//	0x0A Timestamp             H.264: NAL units behind 4-byte lengths or start codes
//	0x08 Timescale             AAC: a raw frame, or one with an ADTS header
//	0x0D Video Config (avcC)   Opus: a packet
//	0x0F Audio Config
//
// It is a state machine without clock or goroutine. Payloads of encrypted tracks are
// not what they seem, and come out as errors.
package loc
