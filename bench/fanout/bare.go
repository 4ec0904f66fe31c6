package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/freshet-live/freshet/bench/bare"
	"github.com/freshet-live/freshet/bench/load"
)

// roleBare is the first argument of the process that the bare server is.
const roleBare = "bare"

// clipLength is how long a clip takes until it repeats.
const clipLength = 10 * time.Second

// addresses is what the bare server's process writes when it serves.
type addresses struct{ Sessions, Operator string }

// serveBare serves the schedule in a file.
func serveBare(ctx context.Context, args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var schedule bare.Schedule
	if err := json.Unmarshal(text, &schedule); err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	server, err := bare.New(schedule, registry)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc(profilePath, pprof.Profile)
	metrics := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = metrics.Serve(ln) }) // Until Close.
	defer serving.Wait()
	defer metrics.Close()
	err = json.NewEncoder(os.Stdout).Encode(addresses{Sessions: server.URL(), Operator: "http://" + ln.Addr().String()})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

func startBare(ctx context.Context, dir string, schedule bare.Schedule) (*child, addresses, error) {
	file := filepath.Join(dir, "schedule.json")
	text, err := json.Marshal(schedule)
	if err != nil {
		return nil, addresses{}, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, addresses{}, err
	}
	c, err := startChild(ctx, dir, roleBare, 0, file)
	if err != nil {
		return nil, addresses{}, err
	}
	var a addresses
	line, err := c.line()
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		return nil, a, fmt.Errorf("start the bare server: %w", err)
	}
	return c, a, nil
}

// record watches alone what the gateway publishes, for as long as the clip is.
func record(ctx context.Context, url string) (bare.Schedule, error) {
	var mu sync.Mutex
	var arrivals []load.Arrival
	r := load.Received{Keep: func(a load.Arrival) {
		mu.Lock()
		defer mu.Unlock()
		arrivals = append(arrivals, a)
	}}
	watching, leave := context.WithTimeout(ctx, clipLength+3*time.Second)
	defer leave()
	if err := load.View(watching, url, load.Broadcast, &r); err != nil {
		return bare.Schedule{}, err
	}
	mu.Lock()
	defer mu.Unlock()
	slices.SortFunc(arrivals, func(a, b load.Arrival) int { return a.At.Compare(b.At) })
	return scheduleOf(arrivals)
}

// scheduleOf takes a clip's length of arrivals, from a second after the first on.
func scheduleOf(arrivals []load.Arrival) (bare.Schedule, error) {
	s := bare.Schedule{Length: clipLength}
	if len(arrivals) == 0 {
		return s, fmt.Errorf("the gateway sent nothing")
	}
	start := arrivals[0].At.Add(time.Second)
	for _, a := range arrivals {
		if at := a.At.Sub(start); at >= 0 && at < s.Length {
			s.Events = append(s.Events, bare.Event{At: at, Priority: a.Priority, First: a.ID == 0, Size: a.Size})
		}
	}
	return s, nil
}
