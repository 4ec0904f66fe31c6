package impair

// Cut takes a path out of service, both directions, or puts it back: what arrives
// meanwhile is lost, as in an outage of the timeline, and what is on the way arrives.
func (n *Network) Cut(path int, out bool) {
	for _, l := range n.lanes[path] {
		l.mu.Lock()
		l.link.cut = out
		l.mu.Unlock()
	}
}
