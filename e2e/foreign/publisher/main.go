// Publisher publishes fragmented MP4 that somebody else made (ffmpeg) over somebody
// else's MoQT (Eyevinn/moqtransport, draft 16): the independent publisher of the
// end-to-end tests. Nothing of Freshet is in it.
//
//	publisher -addr 127.0.0.1:4443 -namespace live/cam1 -video v.mp4 -audio a.mp4
//
// Each file may be a named pipe. A fragment is an object; a group is so many of them.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/Eyevinn/moqtransport"
	"github.com/Eyevinn/moqtransport/quicmoq"
	"github.com/quic-go/quic-go"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:4443", "the gateway's QUIC address")
	namespace := flag.String("namespace", "live/foreign", "what to publish")
	video := flag.String("video", "", "fragmented MP4 with one video track")
	audio := flag.String("audio", "", "fragmented MP4 with one audio track")
	gop := flag.Int("gop", 30, "fragments a group of video")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &publisher{tracks: map[string]*track{
		"video": {file: *video, group: *gop},
		"audio": {file: *audio, group: 47},
	}}
	if err := p.run(ctx, *addr, strings.Split(*namespace, "/")); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

type publisher struct{ tracks map[string]*track }

// track is one file, and who has subscribed to it.
type track struct {
	file   string
	group  int
	in     *bufio.Reader // Set by open, as header is.
	header []byte

	mu          sync.Mutex
	subscribers []*subscriber
}

type subscriber struct {
	w        *moqtransport.SubscribeResponseWriter
	subgroup *moqtransport.Subgroup // nil before its first group.
}

func (p *publisher) run(ctx context.Context, addr string, namespace []string) error {
	// The writer opens its pipes in an order of its own.
	opened := make(chan error, len(p.tracks))
	for _, t := range p.tracks {
		go func() { opened <- t.open() }()
	}
	for range p.tracks {
		if err := <-opened; err != nil {
			return err
		}
	}
	conn, err := quic.DialAddr(ctx, addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"moqt-16"}},
		&quic.Config{EnableDatagrams: true})
	if err != nil {
		return err
	}
	session := &moqtransport.Session{
		InitialMaxRequestID: 100, SubscribeHandler: moqtransport.SubscribeHandlerFunc(p.subscribe),
	}
	if err := session.RunContext(ctx, quicmoq.NewClient(conn)); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if err := session.Announce(ctx, namespace); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	log.Print("announced")
	failed := make(chan error, len(p.tracks))
	for _, t := range p.tracks {
		go func() { failed <- fmt.Errorf("%s: %w", t.file, t.feed()) }()
	}
	select {
	case err := <-failed:
		return err
	case <-conn.Context().Done():
		return context.Cause(conn.Context())
	case <-ctx.Done():
		return session.Close()
	}
}

func (p *publisher) subscribe(w *moqtransport.SubscribeResponseWriter, m *moqtransport.SubscribeMessage) {
	log.Printf("subscription to %s", m.Track)
	t := p.tracks[m.Track]
	switch {
	case m.Track == "catalog":
		if err := errors.Join(w.Accept(), p.sendCatalog(w)); err != nil {
			log.Print(err)
		}
	case t == nil:
		_ = w.Reject(moqtransport.ErrorCodeSubscribeTrackDoesNotExist, "no such track")
	default:
		if err := w.Accept(); err != nil {
			log.Print(err)
			return
		}
		t.mu.Lock()
		t.subscribers = append(t.subscribers, &subscriber{w: w})
		t.mu.Unlock()
	}
}

func (p *publisher) sendCatalog(w *moqtransport.SubscribeResponseWriter) error {
	video, audio := p.tracks["video"].header, p.tracks["audio"].header
	text, err := json.Marshal(map[string]any{
		"version": "draft-01",
		"tracks": []map[string]any{
			{
				"name": "video", "packaging": "cmaf", "isLive": true, "role": "video", "renderGroup": 1, "altGroup": 1,
				"initRef": "v", "codec": avc(video), "width": 640, "height": 360, "framerate": 30, "bitrate": 1_500_000,
			},
			{
				"name": "audio", "packaging": "cmaf", "isLive": true, "role": "audio", "renderGroup": 1, "altGroup": 2,
				"initRef": "a", "codec": "mp4a.40.2", "samplerate": 48000, "channelConfig": "1", "bitrate": 96_000,
			},
		},
		"initDataList": []map[string]any{
			{"id": "v", "type": "inline", "data": video}, {"id": "a", "type": "inline", "data": audio},
		},
	})
	if err != nil {
		return err
	}
	s, err := w.OpenSubgroup(0, 0, 0)
	if err != nil {
		return err
	}
	if _, err := s.WriteObject(0, text); err != nil {
		return err
	}
	return s.Close()
}

// avc is the codec string of a header with an avcC box.
func avc(header []byte) string {
	i := bytes.Index(header, []byte("avcC"))
	if i < 0 || len(header) < i+8 {
		return "avc1.42C01E"
	}
	return "avc1." + strings.ToUpper(hex.EncodeToString(header[i+5:i+8]))
}

// open waits for the header.
func (t *track) open() error {
	f, err := os.Open(t.file)
	if err != nil {
		return err
	}
	t.in = bufio.NewReader(f)
	if t.header, err = boxes(t.in, "moov"); err != nil {
		return fmt.Errorf("%s: %w", t.file, err)
	}
	return nil
}

// feed sends fragments as they come.
func (t *track) feed() error {
	for n := 0; ; n++ {
		fragment, err := boxes(t.in, "mdat")
		if err != nil {
			return err
		}
		t.send(uint64(n/t.group), uint64(n%t.group), fragment)
	}
}

func (t *track) send(group, object uint64, fragment []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.subscribers {
		if object == 0 {
			if s.subgroup != nil {
				_ = s.subgroup.Close()
			}
			var err error
			if s.subgroup, err = s.w.OpenSubgroup(group, 0, 128); err != nil {
				s.subgroup = nil
				continue
			}
		}
		if s.subgroup != nil {
			if _, err := s.subgroup.WriteObject(object, fragment); err != nil {
				s.subgroup = nil
			}
		}
	}
}

// boxes reads whole boxes up to one of a type.
func boxes(r io.Reader, last string) ([]byte, error) {
	var out []byte
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		size := binary.BigEndian.Uint32(head[:])
		if size < 8 || size > 16<<20 {
			return nil, fmt.Errorf("box of %d bytes", size)
		}
		out = append(out, head[:]...)
		body := make([]byte, size-8)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		out = append(out, body...)
		if string(head[4:]) == last {
			return out, nil
		}
	}
}
