package wtconn

import (
	"net/http"
	"slices"
	"testing"
)

func TestOffers(t *testing.T) {
	for line, want := range map[string][]string{
		`"moqt-16", "moq-00"`:    {"moqt-16", "moq-00"},
		`"moqt-18";q=1, moqt-16`: {"moqt-18"},
		`("moqt-18" "moqt-16")`:  nil,
		`"moqt-18`:               nil,
		``:                       nil,
	} {
		if got := offers([]string{line}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add(`"moqt-16", "moqt-18"`)
	f.Add(`"moq-00"`)
	f.Add(`("a" "b");c=:AAAA:, ?1`)
	s := New(Config{Protocols: []string{"moqt-18", "moqt-16"}})
	f.Fuzz(func(t *testing.T, line string) {
		header := http.Header{availableProtocols: {line}}
		offered := offers([]string{line})
		err := s.choose(header)
		if err != nil || len(offered) == 0 {
			return
		}
		chosen := offers(header[availableProtocols])
		if len(chosen) != 1 || !slices.Contains(offered, chosen[0]) || !slices.Contains(s.cfg.Protocols, chosen[0]) {
			t.Errorf("%q: chose %q", line, chosen)
		}
	})
}
