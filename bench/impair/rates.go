package impair

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Rates is the rate of a recorded link over time, repeated for ever.
type Rates struct {
	starts []time.Duration // Rising, from zero on.
	rates  []Rate
	period time.Duration
}

// LoadRates reads the rates of a table, as --trace takes it; they must be in each row.
func LoadRates(name string) (Rates, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Rates{}, err
	}
	r, err := parseRates(text)
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func parseRates(text []byte) (Rates, error) {
	t, err := parseTrace(text)
	if err != nil {
		return Rates{}, err
	}
	if t.opportunities != nil {
		return Rates{}, errors.New("is Mahimahi's; rates are read from a table with time_s and rate_kbit")
	}
	out := Rates{period: t.period}
	for i, c := range t.changes {
		rate := c.settings[0].Rate
		if rate == nil || *rate <= 0 {
			return Rates{}, fmt.Errorf("row %d has no rate_kbit above 0", i+1)
		}
		out.starts = append(out.starts, c.start)
		out.rates = append(out.rates, *rate)
	}
	return out, nil
}

// At is the rate at a time.
func (r Rates) At(at time.Duration) Rate {
	at %= r.period
	found := r.rates[0]
	for i, start := range r.starts {
		if start > at {
			break
		}
		found = r.rates[i]
	}
	return found
}

// Lowest is the lowest of them.
func (r Rates) Lowest() Rate {
	lowest := r.rates[0]
	for _, rate := range r.rates {
		lowest = min(lowest, rate)
	}
	return lowest
}
