package hls_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/hls"
)

// Each URI gets the query, and nothing that only looks like one.
func TestQueryGoesToEachURI(t *testing.T) {
	doc := hls.Document{Text: []byte("#EXTM3U\n" +
		"#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a,URI=b\",URI=\"a/index.m3u8\",DEFAULT=YES\n" +
		"#EXT-X-MAP:URI=\"init-1.mp4\"\n" +
		"#EXT-X-PART:DURATION=0.5,URI=\"part-1-0.m4s\",INDEPENDENT=YES\n" +
		"#EXTINF:2,\nsegment-1.m4s\n\n" +
		"#EXT-X-RENDITION-REPORT:URI=\"../a/index.m3u8\",LAST-MSN=1\n" +
		"#EXT-X-OTHER:X-URI=\"no\",Y=\"URI=\"\n" +
		"#EXT-X-BROKEN:URI=\"open\n" +
		"last.m4s")}
	want := "#EXTM3U\n" +
		"#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a,URI=b\",URI=\"a/index.m3u8?t=1\",DEFAULT=YES\n" +
		"#EXT-X-MAP:URI=\"init-1.mp4?t=1\"\n" +
		"#EXT-X-PART:DURATION=0.5,URI=\"part-1-0.m4s?t=1\",INDEPENDENT=YES\n" +
		"#EXTINF:2,\nsegment-1.m4s?t=1\n\n" +
		"#EXT-X-RENDITION-REPORT:URI=\"../a/index.m3u8?t=1\",LAST-MSN=1\n" +
		"#EXT-X-OTHER:X-URI=\"no\",Y=\"URI=\"\n" +
		"#EXT-X-BROKEN:URI=\"open\n" +
		"last.m4s?t=1"
	for range 2 {
		if diff := cmp.Diff(want, string(doc.Query(nil, "t=1"))); diff != "" {
			t.Error(diff)
		}
	}
}
