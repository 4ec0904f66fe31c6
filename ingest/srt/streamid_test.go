package srt_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest/srt"
)

func TestParseStreamID(t *testing.T) {
	cam1 := srt.StreamID{Name: "live/cam1"}
	tests := []struct {
		name, id string
		want     srt.StreamID
	}{
		{"none", "", srt.StreamID{}},
		{"standard", "#!::r=live/cam1,m=publish", cam1},
		{"standard, all keys", "#!::u=ann,r=live/cam1,m=publish,s=tok,h=host,t=stream", srt.StreamID{Name: "live/cam1", User: "ann", Token: "tok"}},
		{"mode first", "#!::m=publish,r=live/cam1", cam1},
		{"no mode", "#!::r=live/cam1", cam1},
		{"unknown keys", "#!::x=1,acme_key=a b,r=live/cam1,m=publish,novalue", cam1},
		{"blanks", " #!::r = live/cam1 , m = publish ", cam1},
		{"Blackmagic", "#!::bmd_uuid=1ffd-22,bmd_name=Blackmagic Web Presenter 4K", srt.StreamID{}},
		{"leading slash", "#!::r=/live/cam1,m=publish", cam1},
		{"shell's backslash", `#\!::r=live/cam1,m=publish`, cam1},
		{"Larix", "#!::r=live/cam1,m=publish#feedbackplay", cam1},
		{"Larix, encoded", "%23!::r=live/cam1,m=publish%23feedbackplay", cam1},
		{"hash encoded", "%23!::r=live/cam1,m=publish", cam1},
		{"all encoded", "%23%21%3A%3Ar%3Dlive%2Fcam1%2Cm%3Dpublish", cam1},
		{"value encoded", "#!::r=live%2Fcam1,m=publish,s=a%2Cb", srt.StreamID{Name: "live/cam1", Token: "a,b"}},
		{"NUL padding", "#!::r=live/cam1\x00\x00", cam1},
		{"colon", "publish:live/cam1", cam1},
		{"colon, slash", "publish:/live/cam1", cam1},
		{"colon, user", "publish:live/cam1:ann:secret", srt.StreamID{Name: "live/cam1", User: "ann", Token: "secret"}},
		{"colon, query", "publish:live/cam1:a=b", cam1},
		{"colon, user, query", "publish:live/cam1:ann:secret:a=b", srt.StreamID{Name: "live/cam1", User: "ann", Token: "secret"}},
		{"colon, encoded", "publish%3Alive%2Fcam1", cam1},
		{"token by its name", "#!::r=live/cam1,m=publish,token=tok", srt.StreamID{Name: "live/cam1", Token: "tok"}},
		{"jwt by its name", "#!::jwt=tok,r=live/cam1", srt.StreamID{Name: "live/cam1", Token: "tok"}},
		{"token in the resource", "#!::r=live/cam1?token=tok,m=publish", srt.StreamID{Name: "live/cam1", Token: "tok"}},
		{"colon, token in the query", "publish:live/cam1?token=tok", srt.StreamID{Name: "live/cam1", Token: "tok"}},
		{"colon, query with a token", "publish:live/cam1:jwt=tok", srt.StreamID{Name: "live/cam1", Token: "tok"}},
		{"colon, user, query with a token", "publish:live/cam1:ann::jwt=tok", srt.StreamID{Name: "live/cam1", User: "ann", Token: "tok"}},
		{"bare, token", "live/cam1?token=tok", srt.StreamID{Name: "live/cam1", Token: "tok"}},
		{"bare", "live/cam1", cam1},
		{"bare, slashes", "/live/cam1/", cam1},
		{"bare, query", "live/cam1?key=x", cam1},
		{"bare, Larix", "live/cam1#feedbackplay", cam1},
		{"bare, three elements", "vhost/app/stream", srt.StreamID{Name: "vhost/app/stream"}},
		{"percent that is none", "100%", srt.StreamID{Name: "100%"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := srt.ParseStreamID(tt.id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseStreamIDRefuses(t *testing.T) {
	tests := []struct {
		name, id string
		want     error
	}{
		{"request", "#!::r=live/cam1,m=request", srt.ErrBadMode},
		{"bidirectional", "#!::m=bidirectional,r=live/cam1", srt.ErrBadMode},
		{"unknown mode", "#!::r=live/cam1,m=play", srt.ErrBadMode},
		{"read", "read:live/cam1", srt.ErrBadMode},
		{"file", "#!::r=live/cam1,m=publish,t=file", srt.ErrBadMedia},
		{"nested form", "#!:{r:live/cam1}", srt.ErrBadStreamID},
		{"too many parts", "publish:a:b:c:d:e", srt.ErrBadStreamID},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := srt.ParseStreamID(tt.id); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzParseStreamID(f *testing.F) {
	for _, id := range []string{
		"", "#!::r=live/cam1,m=publish,u=a,s=b,t=stream", "publish:live/cam1:u:p:q", "/live/cam1?x#feedbackplay",
		"%23%21%3A%3Ar%3Da", "#!:{", "#!::,,=,=,r", "%zz", "\xff\x00",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := srt.ParseStreamID(s)
		if err != nil {
			return
		}
		if len(id.Name)+len(id.User)+len(id.Token) > len(s) {
			t.Errorf("%q grew to %+v", s, id)
		}
		// What was read names the same stream when it is written plainly.
		again, err := srt.ParseStreamID("#!::r=" + id.Name)
		if cmp.Diff(id.Name, again.Name) != "" && plain(id.Name) {
			t.Errorf("%q gave %q, then %q, %v", s, id.Name, again.Name, err)
		}
	})
}

// plain tells whether a name survives inside an id as it is.
func plain(name string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7F || c == '%' || c == ',' || c == '#' || c == '?' {
			return false
		}
	}
	return true
}
