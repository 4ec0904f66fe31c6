package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the scripts in testdata/cli by what the program says")

// TestScripts runs testdata/cli/*.txt. A script is a txtar archive: its first
// lines are the command, the files "stdout", "stderr" and "exit" what it must
// say, all others lie in its working folder.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/cli/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts: %v, %v", scripts, err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) { runScript(t, script) })
	}
}

func runScript(t *testing.T, script string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	sections := split(string(text))
	t.Chdir(t.TempDir())
	for _, s := range sections[1:] {
		if !expected(s.name) {
			if err := os.WriteFile(s.name, []byte(s.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var stdout, stderr bytes.Buffer
	args := strings.Fields(sections[0].text)
	code := run(t.Context(), args[1:], &stdout, &stderr)
	got := map[string]string{
		"exit": strconv.Itoa(code) + "\n", "stdout": clean(stdout.String()), "stderr": clean(stderr.String()),
	}
	var out strings.Builder
	for i, s := range sections {
		if i > 0 {
			out.WriteString("-- " + s.name + " --\n")
		}
		if !expected(s.name) {
			out.WriteString(s.text)
			continue
		}
		out.WriteString(got[s.name])
		if diff := cmp.Diff(s.text, got[s.name]); diff != "" && !*update {
			t.Errorf("%s (-want +got)\n%s", s.name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func expected(section string) bool {
	return section == "stdout" || section == "stderr" || section == "exit"
}

type section struct{ name, text string }

// split reads a txtar archive; the first section has no name.
func split(archive string) []section {
	out := []section{{}}
	for line := range strings.Lines(archive) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			out = append(out, section{name: strings.TrimSuffix(name, " --\n")})
			continue
		}
		out[len(out)-1].text += line
	}
	return out
}

var versions = regexp.MustCompile(`freshet \S+ \(go\S+, \w+/\w+\)`)

// clean takes out what differs from run to run.
func clean(text string) string {
	return versions.ReplaceAllString(text, "freshet VERSION")
}
