package mpegts

// Aligner cuts a byte stream into transport packets of 188 bytes: what lies
// between packets, parity and arrival times are left out. The zero value is ready;
// it is for one goroutine.
type Aligner struct {
	framer framer
	out    []byte
}

// Write takes the next bytes, in any chunking, and gives the packets that they
// complete, valid until the next call. The error is ErrNoSync.
func (a *Aligner) Write(b []byte) ([]byte, error) {
	data := b
	if len(a.framer.carry) > 0 {
		a.framer.carry = append(a.framer.carry, b...)
		data = a.framer.carry
	}
	n := a.cut(data, false)
	a.framer.carry = append(a.framer.carry[:0], data[n:]...)
	if !a.framer.locked && a.framer.before > noSyncLimit {
		return nil, ErrNoSync
	}
	return a.out, nil
}

// Flush gives the packets at the end of the stream.
func (a *Aligner) Flush() []byte {
	a.cut(a.framer.carry, true)
	a.framer.carry = nil
	return a.out
}

// cut fills out and returns how many bytes it has done with.
func (a *Aligner) cut(b []byte, final bool) int {
	f := &a.framer
	a.out = a.out[:0]
	pos := 0
	for len(b)-pos >= packetSize {
		if f.stride == 0 || b[pos] != syncByte {
			var skip int
			skip, f.stride = f.lock(b[pos:], final)
			pos += skip
			if !f.locked {
				f.before += skip
			}
			if f.stride == 0 {
				return pos
			}
			f.locked = true
			continue
		}
		if !final && len(b)-pos < f.stride {
			break
		}
		a.out = append(a.out, b[pos:pos+packetSize]...)
		pos += min(f.stride, len(b)-pos)
	}
	return pos
}
