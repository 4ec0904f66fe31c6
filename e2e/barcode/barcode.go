// Package barcode carries a clock in the pictures themselves, so that latency
// can be measured from the camera to the screen with nothing in between
// believed: no timestamp, no prft, no player's word.
//
// A number of 32 bits (milliseconds of Unix time, modulo 2^32) and a CRC-8 are
// painted as 40 squares over the full width of the picture, two rows of twenty,
// the most significant bit first, white for one. Squares that large survive any
// encoder; the CRC tells a picture that is torn, scaled wrongly or not ours.
//
//	┌──┬──┬──┬─ ··· ─┬──┐
//	│31│30│29│       │12│   width/20 pixels a square
//	├──┼──┼──┼─ ··· ─┼──┤
//	│11│10│ 9│ 0│c7  │c0│
//	└──┴──┴──┴─ ··· ─┴──┘
package barcode

const (
	columns = 20
	rows    = 2

	black = 16
	white = 235
)

// Draw paints value over the top of a luma plane of the given width. The plane
// must be at least width/10 lines high.
func Draw(luma []byte, width int, value uint32) {
	bits := uint64(value)<<8 | uint64(crc8(value))
	side := width / columns
	for cell := range columns * rows {
		shade := byte(black)
		if bits>>(columns*rows-1-cell)&1 == 1 {
			shade = white
		}
		fill(luma, width, cell%columns*side, cell/columns*side, side, shade)
	}
}

func fill(luma []byte, width, left, top, side int, shade byte) {
	for y := top; y < top+side; y++ {
		line := luma[y*width+left:][:side]
		for x := range line {
			line[x] = shade
		}
	}
}

// Read returns the number painted over a luma plane, and whether its CRC holds.
func Read(luma []byte, width int) (uint32, bool) {
	side := width / columns
	if side == 0 || len(luma) < width*side*rows {
		return 0, false
	}
	var bits uint64
	for cell := range columns * rows {
		x, y := cell%columns*side+side/2, cell/columns*side+side/2
		bits <<= 1
		if luma[y*width+x] > (black+white)/2 {
			bits |= 1
		}
	}
	value := uint32(bits >> 8)
	return value, crc8(value) == byte(bits)
}

// crc8 has the polynomial x^8+x^2+x+1 and starts from ones, so that a picture
// all black is no valid code.
func crc8(value uint32) byte {
	crc := byte(0xff)
	for shift := 24; shift >= 0; shift -= 8 {
		crc ^= byte(value >> shift)
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x07
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
