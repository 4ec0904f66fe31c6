package page

import (
	"io"

	"github.com/freshet-live/freshet/bench/report/compare"
)

// WriteComparison writes the page of two runs.
func WriteComparison(w io.Writer, c *compare.Comparison) error {
	return pages.ExecuteTemplate(w, "compare.html", struct {
		*compare.Comparison
		Method []string
	}{c, compare.Method})
}
