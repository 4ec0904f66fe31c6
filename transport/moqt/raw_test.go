package moqt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// rawPeer speaks to a server byte by byte, as no Client of ours would.
type rawPeer struct {
	t       testing.TB
	d       *wire.Dialect
	conn    *moqttest.Conn
	control moqt.SendStream
	answers *wire.StreamReader // Draft 16: the control stream.
	ended   <-chan error
}

func newRawPeer(tb testing.TB, o *origin, protocol string) *rawPeer {
	tb.Helper()
	d, _ := wire.ByProtocol(protocol)
	near, far := moqttest.Pair(moqttest.Config{Protocol: protocol})
	p := &rawPeer{t: tb, d: d, conn: near, ended: o.serve(far)}
	tb.Cleanup(func() { _ = near.CloseWithError(0, "") })
	return p
}

func (p *rawPeer) bytes(m wire.Message) []byte {
	p.t.Helper()
	b, err := p.d.AppendMessage(nil, m)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *rawPeer) send(st moqt.SendStream, b []byte) {
	p.t.Helper()
	if _, err := st.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// setup opens the control stream with more options than anybody knows.
func (p *rawPeer) setup() {
	p.t.Helper()
	m := &wire.Setup{Options: wire.KeyValues{
		{Type: 0x9d, Bytes: []byte("grease")}, {Type: 0x9d, Bytes: []byte("again")}, {Type: 0x7f*2 + 0x9d, Bytes: []byte{1}},
	}}
	if p.d.Control == wire.TwoUni {
		p.control = p.uni(p.bytes(m))
		return
	}
	st, err := p.conn.OpenStream(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(st, p.bytes(m))
	p.control, p.answers = st, p.d.NewStreamReader(st)
	if m, err := p.answers.Message(); err != nil || m.Kind() != wire.KindServerSetup {
		p.t.Fatalf("got %v, %v", m, err)
	}
}

func (p *rawPeer) uni(b []byte) moqt.SendStream {
	p.t.Helper()
	st, err := p.conn.OpenUniStream(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(st, b)
	return st
}

// request sends a request and gives where its answer comes.
func (p *rawPeer) request(m wire.Message) *wire.StreamReader {
	p.t.Helper()
	if p.d.Control == wire.OneBidi && m.Kind() != wire.KindSubscribeNamespace {
		p.send(p.control, p.bytes(m))
		return p.answers
	}
	st, err := p.conn.OpenStream(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(st, p.bytes(m))
	return p.d.NewStreamReader(st)
}

func (p *rawPeer) wantError(m wire.Message, code wire.RequestCode) {
	p.t.Helper()
	answer, err := p.request(m).Message()
	e, ok := answer.(*wire.RequestError)
	if err != nil || !ok || e.Code != code {
		p.t.Errorf("%s is answered with %+v, %v; want %s", m.Kind(), answer, err, code)
	}
}

func (p *rawPeer) wantEnd(code wire.SessionCode) {
	p.t.Helper()
	select {
	case err := <-p.ended:
		wantSessionCode(p.t, err, code)
	case <-time.After(4 * time.Second):
		p.t.Error("the session goes on")
	}
	if closed, ok := errors.AsType[*moqt.CloseError](context.Cause(p.conn.Context())); !ok || closed.Code != uint64(code) {
		p.t.Errorf("the peer saw %v", context.Cause(p.conn.Context()))
	}
}

// What is not supported is answered, and the session lives on.
func TestUnsupportedRequests(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		o.track("video")
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		name := wire.TrackName{Namespace: []string{"live", "mine"}, Name: "video"}
		p.wantError(&wire.Publish{RequestID: 0, Track: name}, wire.RequestNotSupported)
		p.wantError(&wire.PublishNamespace{RequestID: 2, Namespace: name.Namespace}, wire.RequestNotSupported)
		p.wantError(&wire.Fetch{RequestID: 4, Type: wire.RelativeJoiningFetch, JoiningID: 0}, wire.RequestInvalidJoiningID)
		next := uint64(6)
		if p.d == wire.Draft18 {
			p.wantError(&wire.SubscribeTracks{RequestID: next, Prefix: []string{"live"}}, wire.RequestNotSupported)
			next += 2
		} else {
			p.wantError(&wire.SubscribeNamespace{RequestID: next, Options: wire.WantPublish}, wire.RequestNotSupported)
			next += 2
		}
		// Media that nobody asked for, and padding.
		p.uni(p.d.AppendSubgroupHeader(nil, wire.SubgroupHeader{TrackAlias: 1, Group: 1}))
		p.uni(p.d.AppendFetchHeader(nil, 8))
		if p.d == wire.Draft18 {
			p.uni(append([]byte{0xf0, 0x13, 0x2b, 0x3e, 0x28}, make([]byte, 100)...))
		}
		synctest.Wait()
		// A namespace in one field names the same broadcast.
		m, err := p.request(&wire.TrackStatus{
			RequestID: next, Track: wire.TrackName{Namespace: []string{"live/cam1"}, Name: "video"},
		}).Message()
		if err != nil || m.Kind() != wire.KindRequestOK {
			t.Errorf("the session answers %v, %v", m, err)
		}
	})
}

// What breaks the protocol ends the session with the code that says so.
func TestProtocolFaults(t *testing.T) {
	status := func(id uint64) wire.Message {
		return &wire.TrackStatus{RequestID: id, Track: wire.TrackName{Namespace: []string{"a"}, Name: "b"}}
	}
	tests := []struct {
		name  string
		code  wire.SessionCode
		drive func(p *rawPeer)
	}{
		{"SetupTwice", wire.ProtocolViolation, func(p *rawPeer) { p.send(p.control, p.bytes(&wire.Setup{})) }},
		{"ControlStreamClosed", wire.ProtocolViolation, func(p *rawPeer) { _ = p.control.Close() }},
		{"ControlStreamReset", wire.ProtocolViolation, func(p *rawPeer) { p.control.CancelWrite(1) }},
		{"UnknownMessage", wire.ProtocolViolation, func(p *rawPeer) { p.send(p.control, []byte{0x3f, 0, 0}) }},
		{"AnswerToNothing", wire.ProtocolViolation, func(p *rawPeer) { p.send(p.control, p.bytes(&wire.RequestOK{})) }},
		{"GoawayTwice", wire.ProtocolViolation, func(p *rawPeer) {
			m := &wire.Goaway{HasRequestID: true, RequestID: 1}
			p.send(p.control, append(p.bytes(m), p.bytes(m)...))
		}},
		{"GoawayWithURI", wire.ProtocolViolation, func(p *rawPeer) {
			p.send(p.control, p.bytes(&wire.Goaway{URI: "moqt://x", HasRequestID: true, RequestID: 1}))
		}},
		{"OddRequestID", wire.InvalidRequestID, func(p *rawPeer) { p.request(status(1)) }},
		{"RequestIDTwice", wire.InvalidRequestID, func(p *rawPeer) { p.request(status(0)); p.request(status(0)) }},
		{"StreamType", wire.ProtocolViolation, func(p *rawPeer) { p.uni([]byte{0x3e}) }},
		{"StreamOfAnswer", wire.ProtocolViolation, func(p *rawPeer) {
			st, err := p.conn.OpenStream(p.t.Context())
			if err != nil {
				p.t.Fatal(err)
			}
			p.send(st, p.bytes(&wire.SubscribeOK{}))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				p := newRawPeer(t, newOrigin(t, nil), t.protocol)
				p.setup()
				synctest.Wait()
				tt.drive(p)
				p.wantEnd(tt.code)
			})
		})
	}
}

func TestRequestIDBeyondLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRawPeer(t, newOrigin(t, nil), "moqt-16")
		p.setup()
		p.request(&wire.TrackStatus{RequestID: 512, Track: wire.TrackName{Namespace: []string{"a"}}})
		p.wantEnd(wire.TooManyRequests)
	})
}

// A request that arrives before SETUP waits for it ("Session initialization").
func TestRequestBeforeSetup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		o.track("video")
		p := newRawPeer(t, o, "moqt-18")
		answer := p.request(&wire.TrackStatus{Track: wire.TrackName{Namespace: cam.Fields(), Name: "video"}})
		synctest.Wait()
		p.setup()
		if m, err := answer.Message(); err != nil || m.Kind() != wire.KindRequestOK {
			t.Errorf("answer is %v, %v", m, err)
		}
	})
}

// STOP_SENDING alone cancels a subscription of draft 18 whose stream is idle,
// and its data stream is reset.
func TestStopSendingCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		g := o.group(o.track("video"), 1, 1)
		p := newRawPeer(t, o, "moqt-18")
		p.setup()
		st, err := p.conn.OpenStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.send(st, p.bytes(&wire.Subscribe{Track: wire.TrackName{Namespace: cam.Fields(), Name: "video"}}))
		if m, err := p.d.NewStreamReader(st).Message(); err != nil || m.Kind() != wire.KindSubscribeOK {
			t.Fatalf("answer is %v, %v", m, err)
		}
		synctest.Wait()
		st.CancelRead(1)
		synctest.Wait()
		o.object(g)
		data := p.dataStream(t)
		for err == nil {
			_, err = data.Read(make([]byte, 100))
		}
		if code := resetCode(t, "moqt-18", err); code != wire.ResetCancelled {
			t.Errorf("reset with %#x", code)
		}
	})
}

// dataStream gives the server's first stream that is not its control stream.
func (p *rawPeer) dataStream(tb testing.TB) moqt.ReceiveStream {
	tb.Helper()
	for {
		st, err := p.conn.AcceptUniStream(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		typ, err := p.d.NewStreamReader(st).Varint()
		if err != nil || p.d.IsSubgroup(typ) {
			return st
		}
	}
}

// A peer that makes requests and does not read the answers is ended in bounded
// time. (In draft 18 its limit of open streams stops it.)
func TestAnswersNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		near, far := moqttest.Pair(moqttest.Config{Protocol: "moqt-16", StreamWindow: 2 << 10})
		p := &rawPeer{t: t, d: wire.Draft16, conn: near, ended: o.serve(far)}
		p.setup()
		before := time.Now()
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			for id := uint64(0); ; id += 2 {
				b, _ := p.d.AppendMessage(nil, &wire.TrackStatus{RequestID: id, Track: wire.TrackName{Namespace: []string{"a"}}})
				if _, err := p.control.Write(b); err != nil {
					return
				}
			}
		}()
		<-p.ended
		if took := time.Since(before); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
		<-asked
	})
}
