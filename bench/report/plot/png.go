package plot

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/freshet-live/freshet/bench/report"
)

// WritePNG writes each figure of a run into a directory, which it makes.
func WritePNG(dir string, d *report.Document) error {
	figures, err := All(d)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // Pictures are for all to see.
		return err
	}
	used := make(map[string]int)
	for _, f := range figures {
		name := f.Name
		if used[f.Name]++; used[f.Name] > 1 { // Two units of one name, or two names of one spelling.
			name = fmt.Sprintf("%s-%d", f.Name, used[f.Name])
		}
		if err := writePNG(filepath.Join(dir, name+".png"), f.Drawing); err != nil {
			return err
		}
	}
	return nil
}

func writePNG(name string, d Drawing) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := d.PNG(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
