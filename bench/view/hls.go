package view

import "context"

type hlsViewer struct{ *watcher }

func newHLSViewer(w *watcher, stuck bool) *hlsViewer { return &hlsViewer{w} }
func (v *hlsViewer) run(ctx context.Context)          {}

type texts struct{}

func newTexts() *texts { return &texts{} }
