package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"

	"github.com/freshet-live/freshet/bench/report"
)

// scaled makes an axis from least to greatest, logarithmic where it must span more than
// two orders of magnitude.
func scaled(a *plot.Axis, least, greatest float64, unit string, narrow bool) {
	if least > 0 && greatest/least > 100 {
		a.Scale = plot.LogScale{}
		a.Min, a.Max = least, greatest
		a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick { return decades(lo, hi, unit, narrow) })
		return
	}
	if least == greatest {
		least, greatest = min(least, 0), max(greatest, 0)
	}
	if least == greatest { // Nothing ever happened.
		greatest = 1
	}
	a.Min, a.Max = least, greatest
	a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		return linear(lo, hi, room(narrow), func(v float64) string { return report.Text(v, unit) })
	})
}

// room is how many ticks have a name.
func room(narrow bool) int {
	if narrow {
		return 4
	}
	return 8
}

// linear are ticks at round values, about so many.
func linear(least, greatest float64, most int, text func(float64) string) []plot.Tick {
	step := rounded((greatest - least) / float64(most))
	first := math.Ceil(least/step - 1e-9)
	var out []plot.Tick
	for i := range most + 1 {
		if v := (first + float64(i)) * step; v <= greatest+step*1e-9 { // Not so where floats end.
			out = append(out, plot.Tick{Value: v, Label: text(v)})
		}
	}
	return out
}

// rounded is the next of 1, 2, 5, 10 and so on.
func rounded(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= step*(1-1e-9) {
			return digit * power
		}
	}
	return 10 * power
}

// decades are ticks at powers of ten, with names for as many as fit.
func decades(least, greatest float64, unit string, narrow bool) []plot.Tick {
	first, last := int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(greatest)))
	step := max((last-first+room(narrow)-1)/room(narrow), 1)
	var out []plot.Tick
	for e := first; e <= last; e++ {
		power := math.Pow(10, float64(e))
		for digit := 1.0; digit < 10; digit++ {
			v := digit * power
			if v < least*.999 || v > greatest*1.001 {
				continue
			}
			label := ""
			if digit == 1 && (e-first)%step == 0 {
				label = report.Text(v, unit)
			}
			out = append(out, plot.Tick{Value: v, Label: label})
		}
	}
	return out
}

// timed makes the axis of time since the start.
func timed(a *plot.Axis, least, greatest float64, narrow bool) {
	if greatest <= least {
		greatest = least + 1
	}
	a.Min, a.Max = least, greatest
	a.Label.Text = "since the start"
	a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		return linear(lo, hi, room(narrow), func(v float64) string { return fmt.Sprintf("%g s", math.Round(v*1e6)/1e6) })
	})
}
