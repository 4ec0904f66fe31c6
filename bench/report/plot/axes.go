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
		pad := math.Max(math.Abs(least)*.05, 1e-9)
		least, greatest = least-pad, greatest+pad
	}
	a.Min, a.Max = least, greatest
	a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick { return linear(lo, hi, unit) })
}

// linear are the ticks of gonum with our units.
func linear(least, greatest float64, unit string) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(least, greatest)
	for i := range ticks {
		if ticks[i].Label != "" {
			// What is 0 but for rounding is 0.
			if math.Abs(ticks[i].Value) < (greatest-least)*1e-9 {
				ticks[i].Value = 0
			}
			ticks[i].Label = report.Text(ticks[i].Value, unit)
		}
	}
	return ticks
}

// decades are ticks at powers of ten, with names for as many as fit.
func decades(least, greatest float64, unit string, narrow bool) []plot.Tick {
	first, last := int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(greatest)))
	room := 9
	if narrow {
		room = 4
	}
	step := max((last-first+room-1)/room, 1)
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
func timed(a *plot.Axis, least, greatest float64) {
	if greatest <= least {
		greatest = least + 1
	}
	a.Min, a.Max = least, greatest
	a.Label.Text = "since the start"
	a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		ticks := plot.DefaultTicks{}.Ticks(lo, hi)
		for i := range ticks {
			if ticks[i].Label != "" {
				ticks[i].Label = fmt.Sprintf("%g s", math.Round(ticks[i].Value*1e6)/1e6)
			}
		}
		return ticks
	})
}
