package httpd

import (
	"net/http"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// What a client must take: slower than any media, so that only one that stopped
// reading meets it. An answer is not cut into pieces with a deadline each, for
// between two pieces a less urgent one would be sent.
const (
	writeWithin = 20 * time.Second
	slowestRate = 16 << 10 // Bytes a second beyond that.
)

// recorder notes the status of an answer, gives what is written of it a deadline,
// and applies its Priority header.
type recorder struct {
	http.ResponseWriter
	control *http.ResponseController
	code    int           // 0 until the header is written.
	stream  *http3.Stream // Set when the stream was taken over for its priority.
}

func newRecorder(w http.ResponseWriter) *recorder {
	return &recorder{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

func (r *recorder) WriteHeader(code int) {
	first := r.code == 0 && code >= http.StatusOK
	r.extendDeadline(0)
	r.ResponseWriter.WriteHeader(code)
	if first {
		r.code = code
		r.prioritise()
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.code == 0 {
		r.WriteHeader(http.StatusOK)
	}
	r.extendDeadline(len(b))
	return r.ResponseWriter.Write(b)
}

// Flush is for handlers that look for http.Flusher.
func (r *recorder) Flush() {
	r.extendDeadline(0)
	_ = r.control.Flush()
}

func (r *recorder) extendDeadline(size int) {
	within := writeWithin + time.Duration(size)*time.Second/slowestRate
	_ = r.control.SetWriteDeadline(time.Now().Add(within))
}
