package rtsp

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// maxMedias bounds what a session may describe, maxStreams what is carried of
	// it: a picture in the making may take 8 MiB.
	maxMedias  = 32
	maxStreams = 8
)

var (
	// errNoMedia: nothing of what is offered can be carried.
	errNoMedia = errors.New("no stream that can be carried")
	// errTooMany: more than a camera can have.
	errTooMany = errors.New("too many streams")
)

// source is a session of gortsplib, of either side.
type source interface {
	OnPacketRTP(*description.Media, format.Format, gortsplib.OnPacketRTPFunc)
	OnPacketRTCP(*description.Media, gortsplib.OnPacketRTCPFunc)
}

// receiver makes access units of a session's packets, on one clock.
type receiver struct {
	// Set by newReceiver, then read-only.
	program ingest.Program

	mu     sync.Mutex // UDP has a goroutine for each port; a sink is for one.
	clock  clock      // Guarded by mu.
	tracks []*track   // The packets of each. Guarded by mu.
}

// newReceiver finds what can be carried.
func newReceiver(desc *description.Session) (*receiver, error) {
	if len(desc.Medias) > maxMedias {
		return nil, fmt.Errorf("%w: %d", errTooMany, len(desc.Medias))
	}
	r := &receiver{}
	id := 0
	for _, m := range desc.Medias {
		taken := false
		for _, f := range m.Formats {
			id++
			t, err := newTrack(id, &r.clock, m, f)
			if err != nil || taken || m.IsBackChannel || len(r.tracks) == maxStreams {
				r.program.Unsupported = append(r.program.Unsupported, ingest.Unsupported{ID: id, Name: formatName(m, f)})
				continue
			}
			taken = true
			r.tracks = append(r.tracks, t)
			r.program.Streams = append(r.program.Streams, ingest.Stream{ID: id, Codec: t.assembler.codec()})
		}
	}
	if len(r.tracks) == 0 {
		return nil, fmt.Errorf("%w: %s", errNoMedia, strings.Join(r.unsupported(), ", "))
	}
	return r, nil
}

func (r *receiver) unsupported() []string {
	var names []string
	for _, u := range r.program.Unsupported {
		if len(names) == maxMedias {
			break
		}
		names = append(names, u.Name)
	}
	return names
}

// listen has src's packets pushed into sink. The first error goes to fail; what
// comes after it is dropped. alive is called for every packet.
func (r *receiver) listen(src source, sink ingest.Sink, alive func(), fail func(error)) {
	failed := false // Guarded by mu.
	for _, t := range r.tracks {
		src.OnPacketRTCP(t.media, func(p rtcp.Packet) {
			alive()
			if report, ok := p.(*rtcp.SenderReport); ok {
				r.mu.Lock()
				t.report = newReport(report)
				r.mu.Unlock()
			}
		})
		src.OnPacketRTP(t.media, t.format, func(p *rtp.Packet) {
			alive()
			now := time.Now()
			r.mu.Lock()
			var err error
			if !failed {
				err = t.packet(p, now, sink.Push)
				failed = err != nil
			}
			r.mu.Unlock()
			if err != nil {
				fail(err)
			}
		})
	}
}

// Stats are safe for any goroutine.
func (r *receiver) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{Streams: make([]StreamStats, len(r.tracks)), Unsupported: r.unsupported()}
	for i, t := range r.tracks {
		stream := t.stats
		stream.JitterMs = t.jitter.seconds * 1000
		stream.SenderClock = t.clock.aligned
		s.Streams[i] = stream
		s.Packets += stream.Packets
		s.Bytes += stream.Bytes
		s.Lost += stream.Lost
		s.Damaged += stream.Damaged
	}
	return s
}
