// Package encoders plays many encoders: what they send, when, and what goes wrong with
// them.
//
//	clip, pattern or marked clip ──> shaper ──> Stream (faults) ──> push.Output
//	        (Source)                 CBR, trace, or its own pace        or a file
//
// All up to the Stream is a function of the seed alone, in the encoder's own time:
// bytes and dates are the same in every run. A Fleet plays Streams in real time; the
// sending side is that of "freshet push". Write plays one into a file, without
// waiting.
package encoders
