package configs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Load reads a YAML file over the defaults. The error joins a MistakeError for
// every mistake in the file, in the order of its lines.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return parse(path, text)
}

// parse reads text, which is named file in mistakes.
func parse(file string, text []byte) (Config, error) {
	cfg := Default()
	d := decoder{lines: make(map[string]int)}
	if body, mistake := document(text); mistake != nil {
		d.mistakes = append(d.mistakes, mistake)
	} else {
		d.decode(&cfg, body)
		// A key that could not be read keeps its default, which is valid: no
		// mistake is told twice.
		d.mistakes = append(d.mistakes, cfg.mistakes()...)
	}
	if len(d.mistakes) == 0 {
		return cfg, nil
	}
	for _, m := range d.mistakes {
		m.File = file
		m.Line = cmp.Or(m.Line, d.line(m.Key))
	}
	slices.SortStableFunc(d.mistakes, func(a, b *MistakeError) int { return a.Line - b.Line })
	return Config{}, joinMistakes(d.mistakes)
}

// document parses YAML and gives the body of its only document; nil when it is
// empty.
func document(text []byte) (ast.Node, *MistakeError) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		m := &MistakeError{Line: 1, Text: err.Error()}
		if known, ok := errors.AsType[yaml.Error](err); ok {
			m.Text = known.GetMessage()
			if tok := known.GetToken(); tok != nil && tok.Position != nil {
				m.Line = tok.Position.Line
			}
		}
		return nil, m
	}
	switch len(file.Docs) {
	case 0:
		return nil, nil
	case 1:
		return file.Docs[0].Body, nil
	}
	m := &MistakeError{Line: 1, Text: "more than one YAML document"}
	if start := file.Docs[1].Start; start != nil {
		m.Line = start.Position.Line
	}
	return nil, m
}
