package moqt

// ending is when and why something ended that lasts.
type ending struct {
	done chan struct{}
	err  error // Set before done is closed.
}

func newEnding() ending { return ending{done: make(chan struct{})} }

// end is called once.
func (e *ending) end(reason error) {
	e.err = reason
	close(e.done)
}

// Done is closed when the peer does not want what is published any more, or it has
// ended by itself, or with the session; Err then says why.
func (e *ending) Done() <-chan struct{} { return e.done }

// Err is nil while the publication lasts.
func (e *ending) Err() error {
	select {
	case <-e.done:
		return e.err
	default:
		return nil
	}
}
