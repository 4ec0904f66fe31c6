package compare

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aclements/go-moremath/stats"

	"github.com/freshet-live/freshet/bench/report"
)

const (
	resamples = 2000
	// fewest observations of each that can differ with p < 0.05 at all are four; one
	// more than that is asked for.
	fewest = 5
	alpha  = .05
)

// Row is a figure in both runs.
type Row struct {
	Name, What string // "latency", "p99".
	Labels     report.Labels
	Unit       string
	Better     report.Better
	A, B       float64
	// P is the chance of so great a difference without a cause; NaN where it was not
	// judged.
	P float64
	// Low and High enclose the change of the median, as a share of A's.
	Low, High float64

	a, b []float64 // Observations.
}

// judge tests all rows, and corrects for their number.
func judge(rows []Row) {
	var tested []int
	for i := range rows {
		r := &rows[i]
		r.P, r.Low, r.High = math.NaN(), math.NaN(), math.NaN()
		if len(r.a) < fewest || len(r.b) < fewest {
			continue
		}
		r.P = 1 // As where all values are equal.
		if result, err := stats.MannWhitneyUTest(r.a, r.b, stats.LocationDiffers); err == nil {
			r.P = min(result.P, 1)
		}
		r.Low, r.High = bootstrap(r.a, r.b)
		tested = append(tested, i)
	}
	// Holm: the least p counts as many times as there are tests, the next one less.
	slices.SortStableFunc(tested, func(i, j int) int { return cmp.Compare(rows[i].P, rows[j].P) })
	least := 0.
	for at, i := range tested {
		least = max(least, min(rows[i].P*float64(len(tested)-at), 1))
		rows[i].P = least
	}
}

// bootstrap gives the interval in which the change of the median lies in 95 of 100
// resamples. Chance is seeded: the same files give the same answer.
func bootstrap(a, b []float64) (low, high float64) {
	dice := rand.New(rand.NewPCG(1, 1))
	draw := func(from []float64) float64 {
		out := make([]float64, len(from))
		for i := range out {
			out[i] = from[dice.IntN(len(from))]
		}
		return median(out)
	}
	changes := make([]float64, 0, resamples)
	for range resamples {
		before, after := draw(a), draw(b)
		if before == 0 {
			return math.NaN(), math.NaN() // No share of nothing.
		}
		changes = append(changes, (after-before)/math.Abs(before))
	}
	slices.Sort(changes)
	return changes[resamples*25/1000], changes[resamples*975/1000-1]
}

// Title names the row.
func (r Row) Title() string {
	return strings.Join(strings.Fields(r.Name+" "+r.What+" "+r.Labels.String()), " ")
}

// TextA is A's value.
func (r Row) TextA() string { return report.Text(r.A, r.Unit) }

// TextB is B's value.
func (r Row) TextB() string { return report.Text(r.B, r.Unit) }

// Change is that of the median observation, or of the value where there are none.
func (r Row) Change() string {
	before, after := r.A, r.B
	if len(r.a) > 0 && len(r.b) > 0 {
		before, after = median(r.a), median(r.b)
	}
	switch before {
	case after:
		return "0 %"
	case 0:
		return "from 0"
	}
	return percent((after - before) / math.Abs(before))
}

// Interval encloses the change.
func (r Row) Interval() string {
	if math.IsNaN(r.Low) {
		return ""
	}
	return percent(r.Low) + " … " + percent(r.High)
}

// PText is P for people.
func (r Row) PText() string {
	switch {
	case math.IsNaN(r.P):
		return ""
	case r.P < .001:
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", r.P)
}

// Counts are the numbers of observations.
func (r Row) Counts() string { return fmt.Sprintf("%d/%d", len(r.a), len(r.b)) }

// Differs reports whether chance alone does not explain the change.
func (r Row) Differs() bool { return r.P < alpha }

// Verdict is the row in words.
func (r Row) Verdict() string {
	lower := median(r.b) < median(r.a)
	switch {
	case math.IsNaN(r.P):
		return "too few to judge"
	case !r.Differs():
		return "no difference shown"
	case r.Better == "" && lower:
		return "lower"
	case r.Better == "":
		return "higher"
	case (r.Better == report.Lower) == lower:
		return "better"
	}
	return "worse"
}

func percent(share float64) string { return fmt.Sprintf("%+.1f %%", share*100) }
