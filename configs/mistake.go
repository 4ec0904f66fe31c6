package configs

import (
	"errors"
	"fmt"
	"strings"
)

// MistakeError is one thing that is wrong in a configuration.
type MistakeError struct {
	// File and Line say where; zero when the value did not come from a file.
	File string
	Line int
	// Key is the path of keys: "srt.streams[0].passphrase"; empty when the file
	// is not YAML at all.
	Key string
	// Text says what is wrong.
	Text string
}

func (m *MistakeError) Error() string {
	var b strings.Builder
	if m.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", m.File, m.Line)
	}
	if m.Key != "" {
		fmt.Fprintf(&b, "%s: ", m.Key)
	}
	b.WriteString(m.Text)
	return b.String()
}

// joinMistakes gives one error, nil for none.
func joinMistakes(mistakes []*MistakeError) error {
	errs := make([]error, len(mistakes))
	for i, m := range mistakes {
		errs[i] = m
	}
	return errors.Join(errs...)
}
