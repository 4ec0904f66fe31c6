// Package cmaf writes and reads the boxes of CMAF (ISO/IEC 23000-19): the
// Header of a track, made once, and its Chunks, one allocation each.
//
//	header: ftyp moov
//	chunk:  [styp] [prft] moof(mfhd traf(tfhd tfdt trun)) mdat
//
// Headers come from mp4ff, which knows the sample entries of many codecs. The
// Writer of chunks is our own: it is the hot path, and it writes the media
// straight into the payload that every viewer will share. ParseChunk tells the
// times of a chunk to those who only carry it, without touching the media.
package cmaf
