package cmaf

import (
	"math/bits"
	"time"
)

// ntpEpoch is the Unix epoch in seconds of the NTP era that began in 1900.
const ntpEpoch = 2_208_988_800

// TimeNTP gives t in the 64-bit timestamp format of RFC 5905.
func TimeNTP(t time.Time) uint64 {
	seconds := uint64(t.Unix() + ntpEpoch)
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return seconds<<32 | fraction
}

// NTPTime is the inverse of TimeNTP, to the nearest nanosecond.
func NTPTime(ntp uint64) time.Time {
	high, low := bits.Mul64(ntp&0xFFFFFFFF, uint64(time.Second))
	nanos := high<<32 | low>>32
	if low&0x80000000 != 0 {
		nanos++
	}
	return time.Unix(int64(ntp>>32)-ntpEpoch, int64(nanos))
}
