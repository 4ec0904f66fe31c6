package node_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// Wherever in a group its parent is lost, or leaves, the edge ends it as its publisher
// did: with FIN, as all of it came.
func TestGroupsEndWhole(t *testing.T) {
	for name, end := range map[string]func(*machine){
		"killed":     (*machine).kill,
		"terminated": func(m *machine) { m.terminate(5*time.Second, "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				_, a, b, _, v := diamond(w)
				began := time.Now()
				for i := range 40 {
					m := []*machine{a, b}[i%2]
					// Every place in a group of a second, and more often about its end.
					time.Sleep(time.Until(began.Add(time.Duration(i)*10*time.Second + time.Duration(i)*23*time.Millisecond)))
					v.since()
					end(m)
					time.Sleep(3 * time.Second)
					m.start()
					time.Sleep(5 * time.Second)
					if err := v.since().flawless(8*time.Second, time.Second); err != nil {
						t.Errorf("%d: %v", i, err)
					}
				}
			})
		})
	}
}
