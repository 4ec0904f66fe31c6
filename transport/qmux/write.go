package qmux

// maxFrame is the largest frame sent: peers are known who take no larger one within a
// record of RecordSize.
const maxFrame = RecordSize - 30

func (c *Conn) wakeWriter() {
	select {
	case c.kick <- struct{}{}:
	default: // It is awake.
	}
}

// sendLocked sends a frame that needs no credit, as soon as the carrier takes it.
func (c *Conn) sendLocked(f frame) {
	if c.err == nil {
		c.control = append(c.control, f)
		c.wakeWriter()
	}
}

// write sends records until the connection ends, and then why it did. The greeting goes
// out whatever happens: it comes first, also before a goodbye.
func (c *Conn) write(greeting *frame) {
	defer close(c.done)
	record := make([]byte, 0, RecordSize)
	if err := c.cfg.Carrier.WriteRecord(greeting.append(record)); err != nil {
		c.fail(err)
	}
	for {
		var err error
		if record, err = c.compose(record[:0]); err != nil {
			c.goodbye(err)
			return
		}
		if len(record) > 0 {
			if err := c.cfg.Carrier.WriteRecord(record); err != nil {
				c.fail(err)
			}
			continue
		}
		<-c.kick
	}
}

// goodbye tells the peer and closes the carrier.
func (c *Conn) goodbye(err error) {
	if f, ok := closeFrame(err); ok {
		_ = c.cfg.Carrier.WriteRecord(f.append(nil)) // Nobody is there to be told.
	}
	_ = c.cfg.Carrier.Close()
}

// compose fills a record with what is to be sent: answers, datagrams, then streams in
// turn. It gives the reason when the connection has ended.
func (c *Conn) compose(record []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	for len(c.control) > 0 && len(record)+maxHead+len(c.control[0].data) <= maxFrame {
		record = c.control[0].append(record)
		c.control = c.control[1:]
	}
	for len(c.datagrams) > 0 && len(record)+maxHead+len(c.datagrams[0]) <= RecordSize {
		f := frame{kind: frameDatagramLength, data: c.datagrams[0]}
		record = f.append(record)
		c.datagrams = c.datagrams[1:]
	}
	for len(c.ready) > 0 && len(record)+maxHead < maxFrame {
		w := c.ready[0]
		c.ready[0] = nil
		c.ready = c.ready[1:]
		w.queued = false
		record = w.composeLocked(record)
	}
	return record, nil
}

// composeLocked appends what may be sent of a stream, and lets it have another turn if
// something is left.
func (w *sendStream) composeLocked(record []byte) []byte {
	c := w.s.c
	if w.err != nil || w.s.send != w {
		return record
	}
	n := min(uint64(len(w.rest)), w.limit-w.sent, uint64(maxFrame-maxHead-len(record)))
	if n > 0 && c.sentData == c.maxData {
		w.queued = true
		c.starved = append(c.starved, w)
		return record
	}
	n = min(n, c.maxData-c.sentData)
	last := w.fin && n == uint64(len(w.rest))
	if n == 0 && !last {
		return record
	}
	f := frame{kind: frameStream, stream: w.s.id, size: w.sent, fin: last, data: w.rest[:n]}
	record = f.append(record)
	w.rest = w.rest[n:]
	w.sent += n
	c.sentData += n
	switch {
	case last:
		w.endLocked()
	default:
		w.turnLocked()
	}
	if len(w.rest) == 0 {
		w.changed.fire()
	}
	return record
}
