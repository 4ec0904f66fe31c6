package report

import (
	"math"
	"strconv"
)

type prefix struct {
	factor float64
	name   string
}

// scales are the multiples that people read units in, the greatest first.
var scales = map[string][]prefix{
	"s":     {{3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"}},
	"B":     {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}},
	"B/s":   {{1e9, "GB/s"}, {1e6, "MB/s"}, {1e3, "kB/s"}, {1, "B/s"}},
	"bit/s": {{1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}, {1, "bit/s"}},
}

// Text is a value with its unit for people, four digits of it.
func Text(v float64, unit string) string {
	if unit == "ms" {
		v, unit = v/1000, "s"
	}
	for _, p := range scales[unit] {
		// Minutes and hours are for whole runs, not for delays of some seconds.
		least := p.factor
		if unit == "s" && p.factor > 1 {
			least *= 10
		}
		if math.Abs(v) >= least*.99995 {
			return number(v/p.factor) + " " + p.name
		}
	}
	if unit == "" {
		return number(v)
	}
	return number(v) + " " + unit
}

// number has four digits, or all of a whole number.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e9 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if a := math.Abs(rounded); a >= 1e-4 && a < 1e9 {
		return strconv.FormatFloat(rounded, 'f', -1, 64)
	}
	return strconv.FormatFloat(rounded, 'g', -1, 64)
}
