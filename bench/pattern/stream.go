package pattern

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Config says what a Stream is like. The zero value of each field is its default.
type Config struct {
	// Rate is that of the whole transport stream in bits a second; 6 Mbit/s.
	Rate float64
	// RateAt overrides it from moment to moment, as an encoder whose rate is adapted.
	RateAt func(time.Duration) float64
	// Width and Height are even; 1280x720.
	Width, Height int
	// FPS is the frame rate, 10 to 240; 30.
	FPS float64
	// GOP is the number of pictures from a key picture to the next; two seconds.
	GOP int
	// KeyRatio is how many times as large as others a key picture is; 5. With 1 all
	// are alike, as encoders for low latency make them.
	KeyRatio float64
	// AudioRate is in bits a second; 128 kbit/s. Negative is no audio.
	AudioRate int
	// Seed is of the noise.
	Seed uint64
	// Mark, if it is set, gives a NAL unit for a picture that is sent at a time.
	Mark func(units [][]byte, at time.Duration) []byte
}

// share is the part of the rate that pictures and audio fill; null packets have the
// rest, which takes up what packets round.
const share = 0.97

// maxSide bounds the memory of a picture: 8K.
const maxSide = 8192

func (c Config) withDefaults() Config {
	set := func(f *float64, d float64) {
		if *f == 0 {
			*f = d
		}
	}
	set(&c.Rate, 6e6)
	set(&c.FPS, 30)
	set(&c.KeyRatio, 5)
	if c.Width == 0 && c.Height == 0 {
		c.Width, c.Height = 1280, 720
	}
	if c.GOP == 0 {
		c.GOP = int(2*c.FPS + 0.5)
	}
	if c.AudioRate == 0 {
		c.AudioRate = 128e3
	}
	if c.RateAt == nil {
		rate := c.Rate
		c.RateAt = func(time.Duration) float64 { return rate }
	}
	return c
}

func (c Config) check() error {
	var errs []error
	if c.Width < 16 || c.Height < 16 || c.Width > maxSide || c.Height > maxSide || c.Width%2 != 0 || c.Height%2 != 0 {
		errs = append(errs, fmt.Errorf("size: %dx%d is not even and between 16 and %d", c.Width, c.Height, maxSide))
	}
	if !(c.FPS >= 10 && c.FPS <= 240) {
		errs = append(errs, fmt.Errorf("fps: %g is not between 10 and 240", c.FPS))
	}
	if c.GOP < 1 || c.GOP > 10000 {
		errs = append(errs, fmt.Errorf("gop: %d is not between 1 and 10000 pictures", c.GOP))
	}
	if !(c.KeyRatio >= 1 && c.KeyRatio <= 100) {
		errs = append(errs, fmt.Errorf("key ratio: %g is not between 1 and 100", c.KeyRatio))
	}
	if c.AudioRate > 512e3 || c.AudioRate > 0 && c.AudioRate < 8e3 {
		errs = append(errs, fmt.Errorf("audio rate: %d is not between 8 and 512 kbit/s", c.AudioRate))
	}
	if !(c.Rate > 0 && c.Rate <= 1e9) {
		errs = append(errs, fmt.Errorf("rate: %g is not between 0 and 1 Gbit/s", c.Rate))
	}
	return errors.Join(errs...)
}

// Stream is an encoder without end. It is for one goroutine.
type Stream struct {
	cfg      Config // Set by New, then read-only.
	video    *video
	mux      Muxer
	sps, pps []byte
	frame    []byte        // The audio's, with its header.
	delay    time.Duration // From a picture's time to its PTS.

	pictures, frames int64
	carry            float64 // Bytes that pictures owe.
	out              []byte
}

// New makes a Stream, and checks that pictures of that size can be so small.
func New(cfg Config) (*Stream, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Stream{cfg: cfg, video: newVideo(cfg), mux: Muxer{Video: TypeH264}}
	s.sps, s.pps = s.video.sets()
	if cfg.AudioRate > 0 {
		s.mux.Audio = TypeAAC
		s.frame = ADTS(silence(cfg.AudioRate*frameSamples/sampleRate/8), 3, 1)
	}
	key, other := s.sizes(cfg.Rate)
	least := float64(s.video.columns*s.video.rows) * flatBits / 8
	if key < least || other < 32 {
		return nil, fmt.Errorf("rate: %g kbit/s is too little for %dx%d, whose key pictures have at least %.0f bytes",
			cfg.Rate/1e3, cfg.Width, cfg.Height, least)
	}
	s.delay = 100*time.Millisecond + time.Duration(key*8/cfg.Rate*float64(time.Second))
	return s, nil
}

// sizes are those of a key picture and of another, in bytes, at a rate.
func (s *Stream) sizes(rate float64) (key, other float64) {
	const perPES = 27 + packetSize/2 // Headers, and what the last packet is stuffed with.
	bytes := rate / 8 * share
	bytes -= 2 * packetSize * s.cfg.FPS // Tables; fewer in fact.
	if len(s.frame) > 0 {
		bytes -= math.Ceil(float64(len(s.frame)+14)/184) * packetSize * sampleRate / frameSamples
	}
	picture := bytes/s.cfg.FPS*184/packetSize - perPES
	other = picture * float64(s.cfg.GOP) / (float64(s.cfg.GOP-1) + s.cfg.KeyRatio)
	return other * s.cfg.KeyRatio, other
}

// at is when the nth picture or audio frame is made.
func (s *Stream) pictureAt(n int64) time.Duration {
	return time.Duration(float64(n) / s.cfg.FPS * float64(time.Second))
}

func frameAt(n int64) time.Duration {
	return time.Duration(n*frameSamples) * time.Second / sampleRate
}

// Due is when the next picture or audio frame is made, from the stream's begin.
func (s *Stream) Due() time.Duration {
	if s.audioNext() {
		return frameAt(s.frames)
	}
	return s.pictureAt(s.pictures)
}

func (s *Stream) audioNext() bool {
	return len(s.frame) > 0 && frameAt(s.frames) < s.pictureAt(s.pictures)
}

// Take gives the transport packets of the next picture or audio frame, whose first is
// sent at a time not before Due. They are valid until the next call.
func (s *Stream) Take(at time.Duration) []byte {
	pcr := int64(at) * 27 / 1000
	if s.audioNext() {
		pts := ticks(frameAt(s.frames) + s.delay)
		s.frames++
		return s.mux.Frame(s.frame, pts, pcr)
	}
	n := s.pictures
	s.pictures++
	key := n%int64(s.cfg.GOP) == 0
	units := s.units(key, at)
	s.out = s.out[:0]
	s.out = append(s.out, s.mux.Tables()...)
	pts := ticks(s.pictureAt(n) + s.delay)
	return append(s.out, s.mux.Picture(AnnexB(units), pts, pts, pcr, key)...)
}

// units are the NAL units of a picture.
func (s *Stream) units(key bool, at time.Duration) [][]byte {
	size, other := s.sizes(s.cfg.RateAt(at))
	if !key {
		size = other
	}
	slice := s.video.picture(key, int(size+s.carry))
	s.carry = min(max(s.carry+size-float64(len(slice)), -4*size), 4*size)
	units := [][]byte{{9, 0xF0}}
	if key {
		units = append(units, s.sps, s.pps)
	}
	if s.cfg.Mark != nil {
		units = append(units, s.cfg.Mark([][]byte{slice}, at))
	}
	return append(units, slice)
}

// AnnexB puts start codes before NAL units (H.264, annex B).
func AnnexB(units [][]byte) []byte {
	size := 0
	for _, b := range units {
		size += 4 + len(b)
	}
	out := make([]byte, 0, size)
	for _, b := range units {
		out = append(append(out, 0, 0, 0, 1), b...)
	}
	return out
}

func ticks(d time.Duration) int64 { return int64(d) * 9 / 100_000 }
