package receive

import "fmt"

// Check says what does not hold of the receiver that always has to.
func (r *Receiver) Check() error {
	held, bytes := 0, 0
	i := 0
	for p := r.head; p < r.next; p++ {
		for i < len(r.losses) && r.losses[i].last < p {
			i++
		}
		missing := i < len(r.losses) && r.losses[i].first <= p
		if r.ring.has(p) == missing {
			return fmt.Errorf("position %d: held %t, missing %t", p, r.ring.has(p), missing)
		}
		if !missing {
			held++
			bytes += len(r.ring.at(p).payload)
		}
	}
	for i, l := range r.losses {
		if l.first > l.last || l.first < r.head || l.last >= r.next || i > 0 && l.first <= r.losses[i-1].last {
			return fmt.Errorf("loss %d of %v out of place in [%d, %d)", i, r.losses, r.head, r.next)
		}
		if i > 0 && l.gone && r.losses[i-1].gone && l.first == r.losses[i-1].last+1 {
			return fmt.Errorf("loss %d of %v is not joined", i, r.losses)
		}
	}
	switch full := 0; {
	case held != r.ring.held || bytes != r.ring.bytes:
		return fmt.Errorf("%d packets of %d bytes counted, %d of %d held", r.ring.held, r.ring.bytes, held, bytes)
	case r.next-r.head > r.maxPackets || bytes > r.maxBytes:
		return fmt.Errorf("%d packets, %d bytes: beyond the limits", r.next-r.head, bytes)
	default:
		for _, s := range r.ring.slots {
			if s.payload != nil {
				full++
			}
		}
		if full != held {
			return fmt.Errorf("%d slots in use for %d packets", full, held)
		}
	}
	return nil
}

// Memory is the bytes of all buffers and the number of slots.
func (r *Receiver) Memory() (bytes, slots int) {
	for _, b := range r.buffers.free {
		bytes += cap(b)
	}
	for _, s := range r.ring.slots {
		bytes += cap(s.payload)
	}
	return bytes + cap(r.lent), len(r.ring.slots)
}
