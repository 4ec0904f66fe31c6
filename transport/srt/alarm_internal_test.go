package srt

import (
	"testing"
	"testing/synctest"
	"time"
)

// The clock may show the very time for which the alarm was set: some tick in
// microseconds.
func TestAlarmThatWentOffIsSetAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlarm()
		defer a.Stop()
		for range 3 {
			a.set(tick)
			select {
			case <-a.C:
			case <-time.After(time.Minute):
				t.Fatal("never")
			}
		}
	})
}
