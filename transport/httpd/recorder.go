package httpd

import (
	"net/http"
	"time"

	"github.com/quic-go/quic-go/http3"
)

const (
	// writeWithin is how long a client may take for writePiece: 17 kbit/s, far
	// below any media, so that only a client that stopped reading meets it.
	writeWithin = 30 * time.Second
	writePiece  = 64 << 10
)

// recorder notes the status of an answer, gives every piece of it a deadline,
// and applies its Priority header.
type recorder struct {
	http.ResponseWriter
	control *http.ResponseController
	request *http.Request
	code    int           // 0 until the header is written.
	stream  *http3.Stream // Set when the stream was taken over for its priority.
}

func newRecorder(w http.ResponseWriter, r *http.Request) *recorder {
	return &recorder{ResponseWriter: w, control: http.NewResponseController(w), request: r}
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
	r.extendDeadline()
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
	var written int
	for {
		piece := b[written:min(len(b), written+writePiece)]
		r.extendDeadline()
		n, err := r.ResponseWriter.Write(piece)
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

// Flush is for handlers that look for http.Flusher.
func (r *recorder) Flush() {
	r.extendDeadline()
	_ = r.control.Flush()
}

func (r *recorder) extendDeadline() {
	_ = r.control.SetWriteDeadline(time.Now().Add(writeWithin))
}
