package httpd

import (
	"errors"
	"fmt"

	"github.com/dunglas/httpsfv"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// prioritise gives the stream of an HTTP/3 answer the urgency that its Priority
// header names (RFC 9218 section 5). quic-go schedules by the client's header
// alone; taking the stream over is its only way to say otherwise, and then the
// stream is ours to end. net/http has no such way: over HTTP/2 the header is
// for caches on the way, and Go 1.26 serves the streams in turn.
func (r *recorder) prioritise() {
	priority := r.Header().Get("Priority")
	streamer, ok := r.ResponseWriter.(http3.HTTPStreamer)
	if !ok || priority == "" {
		return
	}
	urgency, incremental, err := parsePriority(priority)
	if err != nil {
		return
	}
	r.stream = streamer.HTTPStream()
	r.stream.SetPriority(urgency, incremental)
}

// finish ends a stream that was taken over, as package http3 ends the others.
func (r *recorder) finish() {
	if r.stream == nil {
		return
	}
	_ = r.control.Flush()
	r.stream.CancelRead(quic.StreamErrorCode(http3.ErrCodeNoError))
	_ = r.stream.Close()
}

// abort ends a stream that was taken over so that the client sees it fail.
func (r *recorder) abort() {
	if r.stream == nil {
		return
	}
	r.stream.CancelRead(quic.StreamErrorCode(http3.ErrCodeInternalError))
	r.stream.CancelWrite(quic.StreamErrorCode(http3.ErrCodeInternalError))
}

// defaultUrgency is that of RFC 9218 section 4.1.
const defaultUrgency = 3

var errPriority = errors.New("not a priority of RFC 9218")

// parsePriority reads a Priority header such as "u=1, i".
func parsePriority(value string) (urgency int8, incremental bool, err error) {
	fields, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", errPriority, err)
	}
	urgency = defaultUrgency
	if member, ok := fields.Get("u"); ok {
		item, isItem := member.(httpsfv.Item)
		u, isInt := item.Value.(int64)
		if !isItem || !isInt || u < 0 || u > 7 {
			return 0, false, errPriority
		}
		urgency = int8(u)
	}
	if member, ok := fields.Get("i"); ok {
		item, isItem := member.(httpsfv.Item)
		i, isBool := item.Value.(bool)
		if !isItem || !isBool {
			return 0, false, errPriority
		}
		incremental = i
	}
	return urgency, incremental, nil
}
