package wtconn

import "testing"

// A connection is done when nothing moves; but what was sent and not heard of
// is waited for while QUIC sends it again, at ever longer intervals.
func TestQuiet(t *testing.T) {
	type look struct{ sent, received uint64 }
	tests := []struct {
		name  string
		looks []look // After a first one at 10, 10.
		over  int    // The look that ends it, from 1; 0 for none.
	}{
		{"idle", []look{{10, 10}}, 1},
		{"answer confirmed", []look{{30, 15}, {30, 15}}, 2},
		{"still moving", []look{{30, 15}, {50, 20}, {70, 25}}, 0},
		{"late confirmation", []look{{30, 10}, {30, 10}, {30, 10}, {31, 11}, {31, 11}}, 5},
		{"sent again and again", []look{{30, 10}, {31, 10}, {31, 10}, {32, 10}, {32, 10}, {32, 10}, {32, 10}, {33, 10}}, 0},
		{"dead path", []look{{30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}}, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, over := quiet{sent: 10, received: 10}, 0
			for i, l := range tt.looks {
				if over == 0 && q.over(l.sent, l.received) {
					over = i + 1
				}
			}
			if over != tt.over {
				t.Errorf("over at look %d, want %d", over, tt.over)
			}
		})
	}
}
