package rtc

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggers hands what pion says on at Debug: what of it matters ends a connection
// and is told by its end.
type loggers struct{ log *slog.Logger }

// NewLogger is for one of pion's packages.
func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return logger{l.log.With("pion", scope)}
}

type logger struct{ log *slog.Logger }

func (l logger) say(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("pion says", "text", fmt.Sprintf(format, args...))
	}
}

// Pion's trace and debug lines, one a packet, are never wanted.
func (l logger) Trace(string)                   {}
func (l logger) Tracef(string, ...any)          {}
func (l logger) Debug(string)                   {}
func (l logger) Debugf(string, ...any)          {}
func (l logger) Info(msg string)                { l.say("%s", msg) }
func (l logger) Infof(format string, a ...any)  { l.say(format, a...) }
func (l logger) Warn(msg string)                { l.say("%s", msg) }
func (l logger) Warnf(format string, a ...any)  { l.say(format, a...) }
func (l logger) Error(msg string)               { l.say("%s", msg) }
func (l logger) Errorf(format string, a ...any) { l.say(format, a...) }
