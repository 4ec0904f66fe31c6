package natskv

import (
	"fmt"
	"log/slog"
)

// logger is the server's way to slog. Its notices are for debugging: what
// operators need, the directory says itself.
type logger struct {
	log   *slog.Logger
	fatal chan<- string // One slot: why the server cannot start.
}

const text = "nats server"

func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug(text, "text", fmt.Sprintf(format, v...))
}

func (l *logger) Warnf(format string, v ...any) {
	l.log.Debug(text, "text", fmt.Sprintf(format, v...))
}

func (l *logger) Errorf(format string, v ...any) {
	l.log.Warn(text, "text", fmt.Sprintf(format, v...))
}

func (l *logger) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

func (l *logger) Debugf(format string, v ...any) {
	l.log.Debug(text, "text", fmt.Sprintf(format, v...))
}

func (l *logger) Tracef(format string, v ...any) {
	l.log.Debug(text, "text", fmt.Sprintf(format, v...))
}
