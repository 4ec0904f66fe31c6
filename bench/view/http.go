package view

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/freshet-live/freshet/transport/quicconn"
)

const (
	// maxBody bounds what is read of a response.
	maxBody = 64 << 20
	// answerWithin is longer than a server may hold a playlist back: three target
	// durations.
	answerWithin = 30 * time.Second
)

// newTransport gives a viewer connections of its own.
func (a *Audience) newTransport(viewer int) (rt http.RoundTripper, leave func(), err error) {
	if a.cfg.HTTP == 3 {
		from, err := a.sockets.of(viewer)
		if err != nil {
			return nil, nil, err
		}
		t := &http3.Transport{TLSClientConfig: a.cfg.TLS, Dial: func(ctx context.Context, addr string, conf *tls.Config, _ *quic.Config) (*quic.Conn, error) {
			return quicconn.DialQUIC(ctx, from, addr, conf, []string{http3.NextProtoH3}, nil)
		}}
		return t, func() { _ = t.Close() }, nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(a.cfg.HTTP != 2)
	protocols.SetHTTP2(a.cfg.HTTP != 1)
	t := &http.Transport{TLSClientConfig: a.cfg.TLS.Clone(), Protocols: protocols, Proxy: http.ProxyFromEnvironment}
	return t, t.CloseIdleConnections, nil
}

// answer is a response whose body is lent.
type answer struct {
	body    []byte
	url     string // After redirects.
	arrived time.Time
}

// statusError is an answer that is none.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("status %d", e.code) }

// bodies are for what is looked at and given back.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// web makes the requests of one viewer.
type web struct {
	client   *http.Client
	throttle *throttle
	token    string
}

func newWeb(v *watcher, throttle *throttle) (w *web, leave func(), err error) {
	rt, leave, err := v.a.transport(v.index)
	if err != nil {
		return nil, nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, nil, err
	}
	return &web{client: &http.Client{Transport: rt, Jar: jar}, throttle: throttle, token: v.a.cfg.Token}, leave, nil
}

// get reads into the buffer, which grows as the body does. n is the length of a byte
// range that begins at from; 0 asks for all.
func (w *web) get(ctx context.Context, address string, from, n int64, buffer *[]byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	if n > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+n-1))
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return answer{}, &statusError{resp.StatusCode}
	}
	if err := w.read(ctx, resp.Body, buffer); err != nil {
		return answer{}, err
	}
	return answer{body: *buffer, url: resp.Request.URL.String(), arrived: time.Now()}, nil
}

// read takes a body to its end, at the pace of the viewer.
func (w *web) read(ctx context.Context, body io.Reader, buffer *[]byte) error {
	b := (*buffer)[:0]
	defer func() { *buffer = b }()
	for {
		if len(b) == cap(b) {
			b = append(b, make([]byte, max(16<<10, cap(b)/2))...)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		w.throttle.wait(ctx.Done(), n)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(b) > maxBody:
			return fmt.Errorf("a body of more than %d bytes", maxBody)
		}
	}
}
