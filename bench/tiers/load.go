package tiers

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
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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
	if strings.ContainsAny(name, "./\\") {
		text, err := os.ReadFile(name)
		if err != nil {
			return Scenario{}, fmt.Errorf("read scenario: %w", err)
		}
		return Parse(filepath.Base(name), text)
	}
	text, err := shipped.ReadFile("scenarios/" + name + ".yaml")
	if err != nil {
		names, _ := Shipped() // Known at build time.
		return Scenario{}, fmt.Errorf("no scenario %q; shipped are %s; a file's name ends in .yaml", name, strings.Join(names, ", "))
	}
	return Parse(name+".yaml", text)
}

// maxScenario bounds a scenario's file.
const maxScenario = 1 << 20

// Parse reads and checks YAML; an error starts with the file's name and the line.
func Parse(file string, text []byte) (s Scenario, err error) {
	defer func() { // The YAML package panics on some that is broken: a tag without a value.
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%s: no YAML that can be read: %v", file, broken)
		}
	}()
	return parse(file, text)
}

func parse(file string, text []byte) (Scenario, error) {
	s := Scenario{Name: strings.TrimSuffix(file, ".yaml"), Viewers: 20, Directory: Embedded}
	if len(text) > maxScenario {
		return s, fmt.Errorf("%s: larger than %d bytes", file, maxScenario)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &s, yaml.Strict())
	}
	if err != nil {
		known, ok := errors.AsType[yaml.Error](err)
		if !ok || known.GetToken() == nil || known.GetToken().Position == nil {
			return s, fmt.Errorf("%s: %w", file, err)
		}
		return s, fmt.Errorf("%s:%d: %s", file, known.GetToken().Position.Line, known.GetMessage())
	}
	key, err := s.resolve()
	if err == nil {
		key, err = s.check()
	}
	if err != nil {
		return s, fmt.Errorf("%s:%d: %s: %w", file, lineOf(tree, key), key, err)
	}
	for i := range s.Steps {
		if s.Steps[i].Watch == 0 {
			s.Steps[i].Watch = defaultWatch
		}
	}
	return s, nil
}

// lineOf is where a key stands; what is missing is reported at the first line.
func lineOf(tree *ast.File, key string) int {
	path, err := yaml.PathString("$." + key)
	if err != nil {
		return 1
	}
	node, err := path.FilterFile(tree)
	if err != nil || node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 1
	}
	return node.GetToken().Position.Line
}
