package barcode

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Camera makes raw pictures in real time, as planar YUV 4:2:0, each with the
// time at which it is handed over.
type Camera struct {
	Width, Height int // Width a multiple of 40, so that squares keep to chroma's grid
	Rate          int // pictures a second
	// Noise is how many lines at the bottom are noise, on which no encoder saves bits: a
	// stream then has the bitrate that it is encoded for.
	Noise int
}

// Run writes pictures to w until the context ends or w fails; the end of the
// context is no error. The rhythm begins when the first picture is taken: nobody
// films while an encoder starts up, and one that counts pictures would stamp those
// that waited for it too far ahead. A picture that could not be written in its
// time later on is late, not lost.
func (c Camera) Run(ctx context.Context, w io.Writer) error {
	picture := make([]byte, c.Width*c.Height*3/2)
	luma, chroma := picture[:c.Width*c.Height], picture[c.Width*c.Height:]
	for i := range chroma {
		chroma[i] = 128
	}
	start := time.Now()
	wait := time.NewTimer(0)
	defer wait.Stop()
	for n := 0; ; n++ {
		wait.Reset(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(c.Rate))))
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		c.move(luma, n)
		c.shuffle(luma, n)
		Draw(luma, c.Width, uint32(time.Now().UnixMilli()))
		if _, err := w.Write(picture); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("write picture %d: %w", n, err)
		}
		if n == 0 {
			start = time.Now()
		}
	}
}

// move paints a ramp that wanders, so that every picture differs everywhere and
// the encoder has motion to code.
func (c Camera) move(luma []byte, n int) {
	for y := c.Width / 10; y < c.Height; y++ {
		line := luma[y*c.Width:][:c.Width]
		for x := range line {
			line[x] = byte(16 + (x+2*y+4*n)%220)
		}
	}
}

// shuffle fills the lines of noise, each time with other values.
func (c Camera) shuffle(luma []byte, n int) {
	state := uint32(n)*2654435761 + 1
	for i := c.Width * (c.Height - c.Noise); i < len(luma); i++ {
		state = state*1664525 + 1013904223
		luma[i] = byte(64 + state>>25)
	}
}
