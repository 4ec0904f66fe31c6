package httpd_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/freshet-live/freshet/transport/httpd"
)

// TestUrgencySchedulesHTTP3: two answers of one size share a connection. When
// the more urgent one by its response header is whole, little of the other has
// come; without priorities they come in turn and end together. The client says
// nothing.
func TestUrgencySchedulesHTTP3(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	var both sync.WaitGroup
	both.Add(2)
	n := startNode(t, func(cfg *httpd.Config) {
		cfg.HLS = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Priority", r.URL.Query().Get("priority"))
			w.WriteHeader(http.StatusOK)
			both.Done()
			both.Wait()
			_, _ = w.Write(make([]byte, size))
		})
	})
	// Windows that never block: what is measured is the order of sending.
	via := &http3.Transport{TLSClientConfig: n.pinned(), QUICConfig: &quic.Config{
		InitialStreamReceiveWindow: 2 * size, InitialConnectionReceiveWindow: 4 * size,
	}}
	defer via.Close()
	var urgent, patient progress
	var requests sync.WaitGroup
	var whenUrgentEnded int64
	requests.Go(func() { n.fetch(t, via, "/a.m4s?priority=u=6", &patient) })
	requests.Go(func() {
		n.fetch(t, via, "/a.m4s?priority=u=1", &urgent)
		whenUrgentEnded = patient.Load()
	})
	requests.Wait()
	if urgent.Load() != size || patient.Load() != size {
		t.Fatalf("read %d and %d bytes of %d", urgent.Load(), patient.Load(), size)
	}
	t.Logf("%.0f %% of the other had come", 100*float64(whenUrgentEnded)/size)
	if whenUrgentEnded > size/2 {
		t.Errorf("when the urgent answer was whole, %d bytes of the other had come", whenUrgentEnded)
	}
}

// progress counts the bytes read so far.
type progress struct{ atomic.Int64 }

func (p *progress) Write(b []byte) (int, error) {
	p.Add(int64(len(b)))
	return len(b), nil
}

func (n *node) fetch(t *testing.T, via http.RoundTripper, path string, read *progress) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.encrypted()+path, nil)
	if err != nil {
		t.Error(err)
		return
	}
	response, err := via.RoundTrip(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if _, err := io.Copy(read, response.Body); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}
