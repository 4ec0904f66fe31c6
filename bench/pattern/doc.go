// Package pattern makes transport streams of any rate, size and shape, without an
// encoder and byte for byte the same from the same seed.
//
// A picture is H.264 (ITU-T H.264, constrained baseline): as many macroblocks of
// noise, coded as I_PCM, as fill the size that is wanted; the others are flat in a
// key picture and copied in the rest. So all bytes are slices, which nobody on the
// way may leave out as filler. Audio is AAC-LC (ISO/IEC 14496-3): silence, with fill
// elements up to its rate.
//
//	video and audio frames ──> Muxer ──> transport packets
package pattern
