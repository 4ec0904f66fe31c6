package sweep_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/freshet-live/freshet/bench/sweep"
)

func TestSearchFindsTheKnee(t *testing.T) {
	for _, tt := range []struct {
		name   string
		search sweep.Search
		bears  int // The largest value that passes.
		tried  []int
		knee   int
		failed int
	}{
		{"doubling and halving", sweep.Search{Start: 10, Max: 1000, Repeats: 0}, 53, []int{10, 20, 40, 80, 60, 50, 55, 52, 53, 54}, 53, 54},
		{"to a tolerance", sweep.Search{Start: 10, Max: 1000, Tolerance: 0.1, Repeats: 3}, 53, []int{10, 20, 40, 80, 60, 50, 55, 50, 50, 50}, 50, 55},
		{"nothing fails", sweep.Search{Start: 30, Max: 100, Repeats: 1}, 500, []int{30, 60, 100, 100}, 100, 0},
		{"starts at its most", sweep.Search{Start: 300, Max: 100, Repeats: 1}, 500, []int{100, 100}, 100, 0},
		{"starts too high", sweep.Search{Start: 16, Max: 100, Repeats: 1}, 3, []int{16, 8, 4, 2, 3, 3}, 3, 4},
		{"bears nothing", sweep.Search{Start: 8, Max: 100, Repeats: 3}, 0, []int{8, 4, 2, 1}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.search
			var tried []int
			for value, _, more := s.Next(); more; value, _, more = s.Next() {
				tried = append(tried, value)
				s.Report(value <= tt.bears)
			}
			if !slices.Equal(tried, tt.tried) || s.Knee() != tt.knee || s.Failed() != tt.failed {
				t.Errorf("tried %v, knee %d, failed at %d; want %v, %d, %d", tried, s.Knee(), s.Failed(), tt.tried, tt.knee, tt.failed)
			}
		})
	}
}

// A knee that passed by luck is none; one repeat of three may fail.
func TestSearchMeasuresTheKneeAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		luck map[string]bool // Answers by value and the how manieth time; else 60 and less pass.
		knee int
	}{
		{"luck", map[string]bool{"64 1": true}, 60},
		{"bad luck once", map[string]bool{"60 2": false}, 60},
		{"bad luck twice", map[string]bool{"60 2": false, "60 3": false}, 59},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, times := sweep.Search{Start: 8, Max: 100, Repeats: 3}, make(map[int]int)
			n := 0
			for value, _, more := s.Next(); more; value, _, more = s.Next() {
				times[value]++
				pass, ruled := tt.luck[fmt.Sprint(value, times[value])]
				if !ruled {
					pass = value <= 60
				}
				s.Report(pass)
				if n++; n > 100 {
					t.Fatal("it does not end")
				}
			}
			if s.Knee() != tt.knee {
				t.Errorf("knee %d, want %d", s.Knee(), tt.knee)
			}
		})
	}
}
