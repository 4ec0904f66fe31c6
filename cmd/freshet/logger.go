package main

import (
	"io"
	"log/slog"

	"github.com/freshet-live/freshet/configs"
)

// newLogger makes the process's logger. cfg is valid.
func newLogger(w io.Writer, cfg configs.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
