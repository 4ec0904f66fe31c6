package rtsp

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// server takes those who publish. It is gortsplib's handler: the methods that
// begin with On are called by its goroutines, for one session in turns.
type server struct {
	// Set by newServer, then read-only.
	door    *Door
	sockets *sockets
	rtsp    *gortsplib.Server

	ctx context.Context //nolint:containedctx // gortsplib's callbacks have none. Set by run, then read-only.
}

func newServer(d *Door) (*server, error) {
	sockets, err := bind(d.cfg.Address, d.cfg.RTPAddress)
	if err != nil {
		return nil, err
	}
	s := &server{door: d, sockets: sockets}
	s.rtsp = &gortsplib.Server{
		Handler: s, RTSPAddress: sockets.tcp.Addr().String(),
		Listen: sockets.listen, ListenPacket: sockets.listenPacket,
	}
	if sockets.rtp != nil {
		s.rtsp.UDPRTPAddress = sockets.rtp.LocalAddr().String()
		s.rtsp.UDPRTCPAddress = sockets.rtcp.LocalAddr().String()
	}
	return s, nil
}

// run serves until ctx ends and every session has.
func (s *server) run(ctx context.Context) error {
	s.ctx = ctx
	if err := s.rtsp.Start(); err != nil {
		s.sockets.close()
		return fmt.Errorf("serve rtsp: %w", err)
	}
	defer context.AfterFunc(ctx, s.rtsp.Close)()
	if err := s.rtsp.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve rtsp: %w", err)
	}
	return nil
}

// OnRequest empties what gortsplib's parser could not stand; it answers 400 then.
func (s *server) OnRequest(c *gortsplib.ServerConn, req *base.Request) {
	if req.Method != base.Announce {
		return
	}
	if _, err := readDescription(req.Body); err != nil {
		req.Body = nil
		s.door.metrics.rejected.WithLabelValues(malformed).Inc()
		s.door.log.Warn("rtsp request refused", "remote", c.NetConn().RemoteAddr().String(), "reason", malformed, "error", err)
	}
}

// OnAnnounce takes a publisher in, or says why not.
func (s *server) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	shown := readCredentials(c.Request, c.Query)
	name := strings.Trim(c.Path, "/")
	remote := c.Conn.NetConn().RemoteAddr().String()
	f := &feed{door: s.door, side: sidePush, remote: remote, hangUp: c.Session.Close}
	f.log = s.door.log.With("name", name, "remote", remote)
	var err error
	if f.receiver, err = newReceiver(c.Description); err == nil {
		f.session, err = s.door.cfg.Sessions.Open(s.ctx, f.request(name, shown))
	}
	if err != nil {
		return s.refuse(name, remote, shown, err)
	}
	f.start(s.ctx)
	c.Session.SetUserData(f)
	return ok(), nil
}

// refuse answers a request that is not granted. That nobody asked for credentials
// before is no refusal yet: encoders show them when they are asked.
func (s *server) refuse(name, remote string, shown credentials, err error) (*base.Response, error) {
	r := rejectionFor(err)
	res := &base.Response{StatusCode: r.code, StatusMessage: r.phrase}
	if r.code == base.StatusUnauthorized {
		res.Header = challenge()
		if !shown.given() {
			s.door.log.Debug("rtsp publisher asked for credentials", "name", name, "remote", remote)
			return res, nil
		}
	}
	s.door.metrics.rejected.WithLabelValues(r.name).Inc()
	s.door.log.Warn("rtsp request refused", "name", name, "remote", remote, "reason", r.name,
		"code", int(r.code), "user", shown.user, "error", err)
	return res, err
}

// OnSetup prepares a stream of a publisher.
func (s *server) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	f, taken := c.Session.UserData().(*feed)
	if !taken {
		res, err := s.noPlay(c.Conn, c.Path)
		return res, nil, err
	}
	f.session.Touch()
	return ok(), nil, nil
}

// OnRecord begins the flow.
func (s *server) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	f, taken := c.Session.UserData().(*feed)
	if !taken { // gortsplib asks for an ANNOUNCE before.
		return s.noPlay(c.Conn, c.Path)
	}
	f.session.Touch()
	if err := f.begin(c.Session, c.Session.Transport()); err != nil {
		return s.refuse(f.session.Name(), f.remote, credentials{}, err)
	}
	return ok(), nil
}

// OnDescribe tells players that they are wrong here.
func (s *server) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	res, err := s.noPlay(c.Conn, c.Path)
	return res, nil, err
}

func (s *server) noPlay(c *gortsplib.ServerConn, path string) (*base.Response, error) {
	return s.refuse(strings.Trim(path, "/"), c.NetConn().RemoteAddr().String(), credentials{}, errPlay)
}

// OnSessionClose ends a publisher.
func (s *server) OnSessionClose(c *gortsplib.ServerHandlerOnSessionCloseCtx) {
	if f, taken := c.Session.UserData().(*feed); taken {
		err := c.Error
		if err == nil {
			err = io.EOF
		}
		f.end(s.ctx, err)
	}
}

// OnPacketsLost and OnDecodeError keep gortsplib from logging: the receiver counts.
func (s *server) OnPacketsLost(*gortsplib.ServerHandlerOnPacketsLostCtx) {}

// OnDecodeError is for packets that are no RTP.
func (s *server) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {}

func ok() *base.Response { return &base.Response{StatusCode: base.StatusOK} }
