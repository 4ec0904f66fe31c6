package impair

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed scenarios/*.yaml
var shipped embed.FS

// Shipped are the names of the scenarios that come with the program.
func Shipped() ([]string, error) {
	files, err := fs.Glob(shipped, "scenarios/*.yaml")
	for i, file := range files {
		files[i] = strings.TrimSuffix(path.Base(file), ".yaml")
	}
	return files, err
}

// Load reads a scenario: a shipped one by its name, any other by its file.
func Load(name string) (Scenario, error) {
	if !strings.ContainsAny(name, "./\\") {
		sub, err := fs.Sub(shipped, "scenarios")
		if err != nil {
			return Scenario{}, err
		}
		s, err := load(sub, name+".yaml")
		if errors.Is(err, fs.ErrNotExist) {
			names, _ := Shipped() // Known at build time.
			return Scenario{}, fmt.Errorf("no scenario %q; shipped are %s; a file's name ends in .yaml", name, strings.Join(names, ", "))
		}
		return s, err
	}
	return load(os.DirFS(filepath.Dir(name)), filepath.Base(name))
}

func load(dir fs.FS, name string) (Scenario, error) {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	s, err := parseScenario(text)
	if err != nil {
		return Scenario{}, fmt.Errorf("%s:%w", name, err)
	}
	for i := range s.Links {
		if err := s.Links[i].readTraces(dir); err != nil {
			return Scenario{}, fmt.Errorf("%s: links[%d].%w", name, i, err)
		}
		if err := within(fmt.Sprintf(" links[%d]", i), s.Links[i].Check()); err != nil {
			return Scenario{}, fmt.Errorf("%s:%w", name, err)
		}
	}
	return s, nil
}

// maxScenario bounds a scenario's file.
const maxScenario = 1 << 20

// parseScenario reads YAML; an error starts with the line.
func parseScenario(text []byte) (Scenario, error) {
	var s Scenario
	if len(text) > maxScenario {
		return s, fmt.Errorf(" larger than %d bytes", maxScenario)
	}
	if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict()); err != nil {
		known, ok := errors.AsType[yaml.Error](err)
		if !ok || known.GetToken() == nil || known.GetToken().Position == nil {
			return s, fmt.Errorf(" %w", err)
		}
		return s, fmt.Errorf("%d: %s", known.GetToken().Position.Line, known.GetMessage())
	}
	if len(s.Links) == 0 || len(s.Links) > maxLinks {
		return s, fmt.Errorf(" links: has %d, takes 1 to %d", len(s.Links), maxLinks)
	}
	return s, nil
}

const maxLinks = 16

// Record has a direction follow a trace from a file.
func (p *Path) Record(d Direction, file string) error {
	read, err := readTrace(nil, file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	p.traces[d] = read
	return nil
}

// readTraces reads the path's traces from a folder.
func (p *Path) readTraces(dir fs.FS) error {
	for _, t := range []struct {
		name string
		file string
		to   []Direction
	}{{"trace", p.Trace, []Direction{Up, Down}}, {"up_trace", p.UpTrace, []Direction{Up}}, {"down_trace", p.DownTrace, []Direction{Down}}} {
		if t.file == "" {
			continue
		}
		read, err := readTrace(dir, t.file)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.name, t.file, err)
		}
		for _, d := range t.to {
			p.traces[d] = read
		}
	}
	return nil
}

// readTrace reads a trace from a folder, or from anywhere if that is nil.
func readTrace(dir fs.FS, file string) (trace, error) {
	var text []byte
	var err error
	if dir == nil {
		text, err = os.ReadFile(file)
	} else {
		text, err = fs.ReadFile(dir, file)
	}
	if err != nil {
		return trace{}, err
	}
	return parseTrace(text)
}
