package llhls_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/transport/httpd/llhls/llhlstest"
)

func TestRules(t *testing.T) {
	short := func(n int) int { return []int{50, 25, 30, 75, 20}[n%5] }
	for name, media := range map[string]hlstest.Config{
		"25 fps":             {},
		"29.97 fps":          {FrameTicks: 3003, Frames: func(int) int { return 60 }},
		"60 fps, 1 s groups": {FrameTicks: 1500, Frames: func(int) int { return 60 }},
		"variable groups":    {Frames: short},
		"10 s groups":        {Frames: func(int) int { return 250 }},
		"one group":          {Frames: func(int) int { return 1 << 30 }},
		"video only":         {NoAudio: true},
		"audio only":         {NoVideo: true},
		"7 fps":              {FrameTicks: 12857, Frames: func(int) int { return 14 }},
		"5 fps":              {FrameTicks: 27000, Frames: func(int) int { return 7 }},
		"long audio chunks":  {AudioFrames: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, media, nil)
				defer s.stop()
				s.playOn()
				found, err := llhlstest.Check(t.Context(), base+"index.m3u8", llhlstest.Config{Client: s.client, Duration: 70 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range found {
					t.Error(v)
				}
			})
		})
	}
}
