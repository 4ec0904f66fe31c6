package moqt

import (
	"context"
	"fmt"
)

// OpenExtension opens a stream of an extension and writes its type. The error is
// ErrNoExtension when the server did not name it in its SETUP.
func (c *Client) OpenExtension(ctx context.Context, stream uint64) (Stream, error) {
	e := c.extension(stream)
	if e == nil || !c.s.agreedOn(e) {
		return nil, ErrNoExtension
	}
	if c.s.peerIsLeaving() {
		return nil, ErrGoingAway
	}
	st, err := c.s.conn.OpenStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("open stream of extension: %w", err)
	}
	if _, err := st.Write(c.s.d.AppendVarint(nil, e.Stream)); err != nil {
		return nil, fmt.Errorf("write stream type: %w", err)
	}
	return st, nil
}

func (c *Client) extension(stream uint64) *extension {
	for i := range c.s.extensions {
		if e := &c.s.extensions[i]; e.Stream == stream {
			return e
		}
	}
	return nil
}
