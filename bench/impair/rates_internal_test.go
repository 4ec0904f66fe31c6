package impair

import (
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	r, err := parseRates([]byte("time_s,rate_kbit,delay_ms\n0,12000,40\n2.5,3000,\n4,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]Rate{0: 12e6, 2499 * time.Millisecond: 12e6, 2500 * time.Millisecond: 3e6, 4 * time.Second: 12e6, 7 * time.Second: 3e6} {
		if got := r.At(at); got != want {
			t.Errorf("%v at %v, want %v", got, at, want)
		}
	}
	if r.Lowest() != 3e6 {
		t.Error(r.Lowest())
	}
	for _, text := range []string{"1\n2\n3\n", "time_s,rate_kbit\n0,\n1,\n", "time_s,rate_kbit\n0,0\n1,\n", "time_s\n0\n1\n", ""} {
		if _, err := parseRates([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
