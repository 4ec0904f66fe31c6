package live

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/compare"
)

// Summary writes what a run found, as text.
func Summary(w io.Writer, d *report.Document) error {
	fmt.Fprintf(w, "%s, %.1f s\n", plain(d.Run.Tool+" "+d.Run.Version), float64(d.Seconds()))
	if d.End == nil {
		fmt.Fprintln(w, "cut short: the report has no last line")
	}
	for _, r := range d.Results {
		fmt.Fprintln(w, plain(resultLine(r)))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, g := range d.DistributionGroups() {
		fmt.Fprintf(table, "%s\tvalues\tp50\tp90\tp99\tp99.9\tmax\t\n", plain(g.Name))
		for _, s := range g.Series {
			fmt.Fprintf(table, "  %s\t%d\t", plain(s.Labels.String()), s.Total.Count())
			for _, q := range []float64{.5, .9, .99, .999, 1} {
				if s.Total.Count() > 0 {
					fmt.Fprintf(table, "%s\t", report.Text(s.Total.Quantile(q), s.Unit))
				}
			}
			fmt.Fprintln(table)
		}
	}
	for _, c := range d.Counters {
		fmt.Fprintf(table, "%s\t%s\t\n", plain(c.Name+" "+c.Labels.String()), report.Text(float64(c.Value), c.Unit))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range d.Checks {
		if _, err := fmt.Fprintln(w, plain(checkLine(c))); err != nil {
			return err
		}
	}
	return nil
}

// Comparison writes what differs between two runs, as a table.
func Comparison(w io.Writer, c *compare.Comparison) error {
	for _, line := range c.Differences {
		fmt.Fprintln(w, plain(fmt.Sprintf("%s: A %s, B %s", line.Name, line.A, line.B)))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "figure\tA\tB\tchange\t95 %\tp\tn\tverdict\t")
	for _, r := range c.Rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", plain(r.Title()), r.TextA(), r.TextB(), r.Change(), r.Interval(), r.PText(), r.Counts(), r.Verdict())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, line := range compare.Method {
		fmt.Fprintln(w, line)
	}
	return nil
}
