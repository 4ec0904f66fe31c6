package swarm

// bucket is a token bucket. Levels are in millionths of a bit, so that a rate in
// bit/s times microseconds needs no division.
type bucket struct {
	level, depth int64
	at           int64
}

// maxGap bounds the time that fills a bucket at once, so that nothing overflows
// 2^53.
const maxGap = 10 * second

// fill adds what rate gives since the last call; the depth is span's worth of
// rate, at least least bytes.
func (b *bucket) fill(now, rate, span, least int64) {
	gap := min(now-b.at, maxGap)
	b.at = now
	b.depth = max(rate*span, least*8*second)
	b.level = min(b.level+rate*gap, b.depth)
}

func (b *bucket) has(size int) bool { return b.level >= int64(size)*8*second }

// take takes the bytes when they are there.
func (b *bucket) take(size int) bool {
	if !b.has(size) {
		return false
	}
	b.level -= int64(size) * 8 * second
	return true
}
