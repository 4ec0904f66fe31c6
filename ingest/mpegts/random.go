package mpegts

import "github.com/freshet-live/freshet/ingest"

// RandomAccess tells for the NAL units of a picture, none of which is empty,
// whether decoding can start there: strictly, or for want of something better. It
// is here for other doors, whose pictures come whole.
func RandomAccess(codec ingest.Codec, units [][]byte) (strict, weak bool) {
	if codec == ingest.CodecH265 {
		return (*h265)(nil).random(units)
	}
	return (*h264)(nil).random(units)
}
