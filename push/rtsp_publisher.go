package push

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// describeWithin is how long is waited for the parameters of all streams; what
	// has none by then is left out. A group of pictures is seldom longer.
	describeWithin = 5 * time.Second
	// maxUndescribed bounds what is kept meanwhile.
	maxUndescribed = 32 << 20
	// rtspTimeout is for answers, and for writes that the server does not take.
	rtspTimeout = 5 * time.Second
	// firstPayloadType is the first of the dynamic range (RFC 3551, section 6).
	firstPayloadType = 96
)

var (
	errNewProgram = errors.New("the streams are others now")
	errNoMedia    = errors.New("no stream that RTSP carries here")
)

// rtspPublisher is an ingest.Sink that sends access units on over RTSP. All but
// ended is for the goroutine of the demuxer.
type rtspPublisher struct {
	cfg   OutputConfig
	url   *url.URL
	ended context.CancelCauseFunc // Called when the server has hung up.

	program ingest.Program
	medias  map[int]*rtspMedia
	client  *gortsplib.Client // Nil before the announcement.
	held    []ingest.AccessUnit
	bytes   int
	since   time.Time
	waiting sync.WaitGroup // For the client's end.
}

// SetProgram takes the streams; a changed program needs a new announcement, so a new
// connection.
func (p *rtspPublisher) SetProgram(program ingest.Program) error {
	if p.client != nil && !slices.Equal(p.program.Streams, program.Streams) {
		return errNewProgram
	}
	p.program, p.medias = program, map[int]*rtspMedia{}
	return nil
}

// Push sends an access unit, or keeps it until all streams can be described.
func (p *rtspPublisher) Push(au ingest.AccessUnit) error {
	if p.client != nil {
		return p.send(au)
	}
	if err := p.describe(au); err != nil {
		return err
	}
	p.hold(au)
	late := time.Since(p.since) > describeWithin || p.bytes > maxUndescribed
	switch {
	case len(p.medias) == 0 && late:
		return errNoMedia
	case len(p.medias) < len(p.program.Streams) && !late:
		return nil
	}
	return p.announce()
}

// describe learns a stream's parameters.
func (p *rtspPublisher) describe(au ingest.AccessUnit) error {
	if p.medias[au.Stream] != nil {
		return nil
	}
	for _, s := range p.program.Streams {
		if s.ID != au.Stream {
			continue
		}
		m, err := newMedia(s.Codec, au, firstPayloadType+uint8(len(p.medias)))
		if err != nil {
			return fmt.Errorf("%v: %w", s.Codec, err)
		}
		if m != nil {
			p.medias[au.Stream] = m
		}
	}
	return nil
}

// hold copies an access unit. What comes before a stream's parameters nobody can
// decode.
func (p *rtspPublisher) hold(au ingest.AccessUnit) {
	if p.since.IsZero() {
		p.since = time.Now()
	}
	if p.medias[au.Stream] == nil {
		return
	}
	units := make([][]byte, len(au.Units))
	for i, b := range au.Units {
		units[i] = slices.Clone(b)
		p.bytes += len(b)
	}
	au.Units = units
	p.held = append(p.held, au)
}

// announce connects and sends what was held.
func (p *rtspPublisher) announce() error {
	session := &description.Session{}
	for _, s := range p.program.Streams {
		if m := p.medias[s.ID]; m != nil {
			session.Medias = append(session.Medias, m.media)
		} else {
			p.cfg.Log.Warn("left out of rtsp", "stream", s.ID, "codec", s.Codec.String())
		}
	}
	tcp := gortsplib.ProtocolTCP
	client := &gortsplib.Client{
		Protocol: &tcp, TLSConfig: p.cfg.TLS, ReadTimeout: rtspTimeout, WriteTimeout: rtspTimeout,
		WriteQueueSize: 4096, // A power of two; a key picture of 4 MB.
	}
	if err := client.StartRecording(p.url.String(), session); err != nil {
		return err
	}
	p.client = client
	p.waiting.Go(func() { p.ended(client.Wait()) })
	p.cfg.Log.Info("connected", "to", p.url.Redacted())
	p.cfg.Status.connected(func() Link { return Link{Lost: client.Stats().Session.OutboundRTPPacketsReportedLost} })
	held := p.held
	p.held = nil
	for _, au := range held {
		if err := p.send(au); err != nil {
			return err
		}
	}
	return nil
}

func (p *rtspPublisher) send(au ingest.AccessUnit) error {
	m := p.medias[au.Stream]
	if m == nil {
		return nil
	}
	packets, err := m.packets(au)
	if err != nil {
		return err
	}
	at := m.wall(au.PTS, time.Now())
	for _, packet := range packets {
		if err := p.client.WritePacketRTPWithNTP(m.media, packet, at); err != nil {
			return err
		}
	}
	return nil
}

// close hangs up.
func (p *rtspPublisher) close() {
	if p.client != nil {
		p.client.Close()
	}
	p.waiting.Wait()
}
