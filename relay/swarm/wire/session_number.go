package wire

import (
	"math"
	"strconv"
	"time"
)

// Millis is a duration, in milliseconds on the wire, with fractions.
type Millis time.Duration

// maxMillis is 100 days: what is longer is nonsense.
const maxMillis = 100 * 24 * 3_600_000

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	ms := float64(m) / float64(time.Millisecond)
	return strconv.AppendFloat(nil, ms, 'f', -1, 64), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Millis) UnmarshalJSON(b []byte) error {
	ms, err := number(b)
	if err != nil || math.Abs(ms) > maxMillis {
		return invalid("%.20s is no time in milliseconds", b)
	}
	*m = Millis(ms * float64(time.Millisecond))
	return nil
}

// Count is bytes, or bit/s: a whole number that may come as a fraction, and is rounded.
type Count int64

// UnmarshalJSON implements json.Unmarshaler.
func (c *Count) UnmarshalJSON(b []byte) error {
	v, err := number(b)
	if err != nil || v < 0 || v > maxInteger {
		return invalid("%.20s is no count", b)
	}
	*c = Count(math.Round(v))
	return nil
}

func number(b []byte) (float64, error) {
	if string(b) == "null" {
		return 0, nil
	}
	return strconv.ParseFloat(string(b), 64)
}
