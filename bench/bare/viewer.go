package bare

import (
	"context"
	"net/http"
	"time"

	"github.com/quic-go/webtransport-go"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// serve sends to one viewer, from each track's newest group on, until it leaves.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	session, err := s.wt.Upgrade(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.viewers.Add(1)
	defer s.viewers.Done()
	wake := make(chan struct{}, 1)
	at := s.enter(wake)
	defer s.leave(wake)
	streams := map[uint8]*webtransport.SendStream{}
	for {
		c, ok := s.next(at)
		if !ok {
			select {
			case <-wake:
			case <-session.Context().Done():
				return
			}
			continue
		}
		at++
		if s.send(session.Context(), session, streams, c) != nil {
			return
		}
	}
}

// enter gives the place in the log that a viewer begins at: the newest group of
// one track, and before that of the others.
func (s *Server) enter(wake chan struct{}) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[wake] = true
	at := len(s.log)
	for _, begin := range s.newest {
		at = min(at, begin)
	}
	return at
}

func (s *Server) leave(wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, wake)
}

func (s *Server) send(ctx context.Context, session *webtransport.Session, streams map[uint8]*webtransport.SendStream, c chunk) error {
	stream := streams[c.priority]
	if c.first {
		if stream != nil {
			_ = stream.Close()
		}
		var err error
		if stream, err = session.OpenUniStreamSync(ctx); err != nil {
			return err
		}
		streams[c.priority] = stream
		header := wire.Draft18.AppendSubgroupHeader(nil, wire.SubgroupHeader{Group: c.group, Priority: c.priority, EndOfGroup: true})
		if _, err := stream.Write(header); err != nil {
			return err
		}
	}
	if stream == nil {
		return nil // It begins with a later group.
	}
	if _, err := stream.Write(c.bytes); err != nil {
		return err
	}
	s.delivery.Observe(time.Since(c.at).Seconds())
	return nil
}
