package rtsp_test

import (
	"net"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

// camera serves what ffmpeg publishes to it to those who know the password. It
// takes the place of a real one.
type camera struct {
	server *gortsplib.Server
	addr   string

	mu     sync.Mutex
	stream *gortsplib.ServerStream
	ready  chan struct{} // Closed when there is something to see.
}

const cameraUser, cameraPassword = "admin", "hush-hush"

// newCamera listens at addr, by UDP at rtpAddress as well.
func newCamera(t *testing.T, addr, rtpAddress string) *camera {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &camera{addr: listener.Addr().String(), ready: make(chan struct{})}
	c.server = &gortsplib.Server{
		Handler: c, RTSPAddress: c.addr,
		Listen: func(string, string) (net.Listener, error) { return listener, nil },
	}
	if rtpAddress != "" {
		c.server.UDPRTPAddress, c.server.UDPRTCPAddress = rtpAddress, next(t, rtpAddress)
	}
	if err := c.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func (c *camera) close() { c.server.Close() }

// film has ffmpeg publish to it until the test ends.
func (c *camera) film(t *testing.T, file string) {
	t.Helper()
	ffmpeg(t, "-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+c.addr+"/stream1")
	<-c.ready
}

func (c *camera) url() string {
	return "rtsp://" + cameraUser + ":" + cameraPassword + "@" + c.addr + "/stream1"
}

func (c *camera) get() *gortsplib.ServerStream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}

func (c *camera) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stream = &gortsplib.ServerStream{Server: c.server, Desc: ctx.Description}
	return &base.Response{StatusCode: base.StatusOK}, c.stream.Initialize()
}

func (c *camera) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if !ctx.Conn.VerifyCredentials(ctx.Request, cameraUser, cameraPassword) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	if c.get() == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.get(), nil
}

func (c *camera) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, c.get(), nil
}

func (c *camera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (c *camera) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		_ = c.get().WritePacketRTP(m, p)
	})
	close(c.ready)
	return &base.Response{StatusCode: base.StatusOK}, nil
}
