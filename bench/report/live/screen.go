// Package live shows a run on a terminal: as it goes, and what came of it.
package live

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Screen shows lines that change: in place on a terminal, one below the other
// elsewhere.
type Screen struct {
	Out io.Writer
	// Redraw writes over the lines of the last time, as a terminal can.
	Redraw bool
	// Columns is the width, 0 where it is not known; nil is the same. Longer lines
	// are cut, as one that wraps cannot be written over.
	Columns func() int

	lines int
}

// Show writes lines in place of those of the last call.
func (s *Screen) Show(lines ...string) {
	var text strings.Builder
	if s.Redraw && s.lines > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", s.lines)
	}
	s.write(&text, lines)
	for range s.lines - len(lines) { // What is left of a longer look.
		s.write(&text, []string{""})
	}
	s.lines = max(s.lines, len(lines))
	_, _ = io.WriteString(s.Out, text.String()) // Nobody looks.
}

// Print writes a line that stays, above those that change.
func (s *Screen) Print(line string) {
	var text strings.Builder
	if s.Redraw && s.lines > 0 {
		fmt.Fprintf(&text, "\x1b[%dA\x1b[J", s.lines)
	}
	s.lines = 0
	s.write(&text, []string{line})
	_, _ = io.WriteString(s.Out, text.String())
}

// Keep leaves the lines of the last Show where they are: the next come below.
func (s *Screen) Keep() { s.lines = 0 }

func (s *Screen) write(text *strings.Builder, lines []string) {
	width := 0
	if s.Redraw && s.Columns != nil {
		width = s.Columns()
	}
	for _, line := range lines {
		line = plain(line)
		if r := []rune(line); width > 1 && len(r) >= width {
			line = string(r[:width-1])
		}
		if s.Redraw {
			line = "\r\x1b[K" + line
		}
		text.WriteString(line + "\n")
	}
}

// plain is s without what would move a terminal's cursor: names may come from a file.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
