package wtconn

import "testing"

// A connection is done when nothing moves; but what was sent and not heard of
// is waited for while QUIC sends it again, at ever longer intervals: an answer, not
// the end of a session.
func TestQuiet(t *testing.T) {
	type look struct{ sent, received uint64 }
	tests := []struct {
		name    string
		session bool   // There was nothing else.
		looks   []look // After a first one at 10, 10.
		over    int    // The look that ends it, from 1; 0 for none.
	}{
		{"idle", false, []look{{10, 10}}, 1},
		{"answer confirmed", false, []look{{30, 15}, {30, 15}}, 2},
		{"still moving", false, []look{{30, 15}, {50, 20}, {70, 25}}, 0},
		{"late confirmation", false, []look{{30, 10}, {30, 10}, {30, 10}, {31, 11}, {31, 11}}, 5},
		{"sent again and again", false, []look{{30, 10}, {31, 10}, {31, 10}, {32, 10}, {32, 10}, {32, 10}, {32, 10}, {33, 10}}, 0},
		{"dead path", false, []look{{30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}, {30, 10}}, 9},
		{"session, client gone", true, []look{{30, 15}, {31, 15}, {32, 15}, {33, 15}}, 3},
		{"session, client leaves slowly", true, []look{{30, 10}, {31, 11}, {32, 11}, {33, 12}, {33, 12}}, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, over := quiet{answers: !tt.session, sent: 10, received: 10}, 0
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
