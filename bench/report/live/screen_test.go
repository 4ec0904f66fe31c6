package live_test

import (
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report/live"
)

// On a terminal lines are written over, and none is wider than it.
func TestScreenRedraws(t *testing.T) {
	var out strings.Builder
	width := 10
	s := &live.Screen{Out: &out, Redraw: true, Columns: func() int { return width }}
	step := func(show func(), want string) {
		t.Helper()
		out.Reset()
		if show(); out.String() != want {
			t.Errorf("got  %q\nwant %q", out.String(), want)
		}
	}
	const wipe = "\r\x1b[K"
	step(func() { s.Show("one", "häuser-und-höfe") }, wipe+"one\n"+wipe+"häuser-un\n")
	width = 6 // The window is made smaller.
	step(func() { s.Show("1234567", "two") }, "\x1b[2A"+wipe+"12345\n"+wipe+"two\n")
	step(func() { s.Show("less") }, "\x1b[2A"+wipe+"less\n"+wipe+"\n")
	width = 0 // Not known.
	step(func() { s.Show("1234567", "two", "three") }, "\x1b[2A"+wipe+"1234567\n"+wipe+"two\n"+wipe+"three\n")
	step(func() { s.Print("it stays\x1b[2J") }, "\x1b[3A\x1b[J"+wipe+"it stays [2J\n")
	step(func() { s.Show("below") }, wipe+"below\n")
	s.Keep()
	step(func() { s.Print("end") }, wipe+"end\n")
}

// Elsewhere, as in a file, each look is lines below the last, whole and without codes.
func TestScreenAppends(t *testing.T) {
	var out strings.Builder
	s := &live.Screen{Out: &out, Columns: func() int { return 4 }}
	s.Show("one", "two three\ttabs")
	s.Print("stays")
	s.Show("four")
	if want := "one\ntwo three tabs\nstays\nfour\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
