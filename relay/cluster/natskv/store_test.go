package natskv_test

import (
	"testing"

	"github.com/freshet-live/freshet/relay/cluster/storetest"
)

func TestServerAndLeafAreAStore(t *testing.T) {
	t.Parallel()
	hub, leaf := alone(t)
	for _, c := range storetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(t, hub, leaf)
		})
	}
}

func TestVotersAreAStore(t *testing.T) {
	t.Parallel()
	configs := voters(t)
	a, b, c := newStore(t, configs[0]), newStore(t, configs[1]), newStore(t, configs[2])
	run(t, a)
	run(t, b)
	run(t, c)
	ready(t, a)
	ready(t, b)
	for _, c := range storetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(t, a, b)
		})
	}
}
