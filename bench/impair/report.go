package impair

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/report/live"
)

// Report is a direction's line of JSON. The names are stable.
type Report struct {
	Type      string  `json:"type"` // "impair"
	Link      string  `json:"link"`
	Direction string  `json:"direction"`
	Seed      uint64  `json:"seed"`
	Seconds   float64 `json:"seconds"`

	PacketsIn  uint64 `json:"packets_in"`
	BytesIn    uint64 `json:"bytes_in"` // Of IP packets.
	PacketsOut uint64 `json:"packets_out"`
	BytesOut   uint64 `json:"bytes_out"`
	Duplicated uint64 `json:"duplicated"`
	Reordered  uint64 `json:"reordered"`
	// Dropped is by reason: outage, mtu, loss, queue, codel.
	Dropped     map[string]uint64 `json:"dropped"`
	LossPercent float64           `json:"loss_percent"`
	// DelayMS is from arrival to when a packet was due, LateMS from then until it
	// was written.
	DelayMS       Quantiles `json:"delay_ms"`
	LateMS        Quantiles `json:"late_ms"`
	QueueBytesMax int       `json:"queue_bytes_max"`
	// OwnLoss is what the kernel dropped before it was read, null where that is not
	// known; Unsent what it did not take.
	OwnLoss *uint64 `json:"own_loss"`
	Unsent  uint64  `json:"unsent"`
	Clients int     `json:"clients"`
	Refused uint64  `json:"refused"`
	Rebinds uint64  `json:"rebinds"`
}

// Quantiles are of durations, in ms.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func quantiles(h *Histogram) Quantiles {
	millis := func(q float64) float64 { return h.Quantile(q).Seconds() * 1e3 }
	return Quantiles{millis(.5), millis(.99)}
}

// Report is the reading for a machine.
func (r *Reading) Report(seed uint64) Report {
	out := Report{
		Type: "impair", Link: r.Link, Direction: r.Direction.String(), Seed: seed, Seconds: r.Elapsed.Seconds(),
		PacketsIn: r.Stats.In.Packets, BytesIn: r.Stats.In.Bytes,
		PacketsOut: r.Stats.Out.Packets, BytesOut: r.Stats.Out.Bytes,
		Duplicated: r.Stats.Duplicated, Reordered: r.Stats.Reordered, Dropped: make(map[string]uint64),
		LossPercent: float64(r.Stats.LossShare()) * 100, DelayMS: quantiles(&r.Stats.Delay), LateMS: quantiles(&r.Late),
		QueueBytesMax: r.Stats.QueueMax, Unsent: r.Unsent, Clients: r.Clients, Refused: r.Refused, Rebinds: r.Rebinds,
	}
	for why := Outage; why < reasons; why++ {
		out.Dropped[why.String()] = r.Stats.Dropped[why]
	}
	if r.OwnLossKnown {
		out.OwnLoss = &r.OwnLoss
	}
	return out
}

// WriteJSON writes a line for each reading.
func WriteJSON(w io.Writer, readings []Reading, seed uint64) error {
	encoder := json.NewEncoder(w)
	for i := range readings {
		if err := encoder.Encode(readings[i].Report(seed)); err != nil {
			return err
		}
	}
	return nil
}

// WriteText writes readings for people, totals since the start.
func WriteText(w io.Writer, readings []Reading) error {
	for i := range readings {
		r := readings[i].Report(0)
		fmt.Fprintf(w, "%s %s: %d packets in, %d out in %.1f s (%.2f Mbit/s)\n", r.Link, r.Direction, r.PacketsIn, r.PacketsOut,
			r.Seconds, float64(r.BytesOut)*8/1e6/r.Seconds)
		fmt.Fprintf(w, "  lost %.3f %%%s, duplicated %d, reordered %d\n", r.LossPercent, byReason(r.Dropped), r.Duplicated, r.Reordered)
		_, err := fmt.Fprintf(w, "  delay p50 %.2f p99 %.2f ms, written late p50 %.3f p99 %.3f ms, queue at most %d bytes%s\n",
			r.DelayMS.P50, r.DelayMS.P99, r.LateMS.P50, r.LateMS.P99, r.QueueBytesMax, faults(&readings[i]))
		if err != nil {
			return err
		}
	}
	return nil
}

// byReason lists what is not zero.
func byReason(dropped map[string]uint64) string {
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(dropped)) {
		if n := dropped[why]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", why, n))
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// faults are our own, and those of nobody's wish.
func faults(r *Reading) string {
	var out strings.Builder
	for _, f := range []struct {
		what string
		n    uint64
	}{{"OWN LOSS", r.OwnLoss}, {"unsent", r.Unsent}, {"refused", r.Refused}, {"rebinds", r.Rebinds}} {
		if f.n > 0 {
			fmt.Fprintf(&out, ", %s %d", f.what, f.n)
		}
	}
	return out.String()
}

// View shows a network as it goes.
type View struct {
	Screen *live.Screen

	last []Reading
}

// Show shows what happened since the last look.
func (v *View) Show(readings []Reading) {
	lines := make([]string, 0, 2*len(readings))
	for i := range readings {
		var before Reading
		if i < len(v.last) {
			before = v.last[i]
		}
		if readings[i].Direction == Up || !v.Screen.Redraw {
			lines = append(lines, heading(&readings[i]))
		}
		lines = append(lines, moving(&readings[i], &before))
	}
	v.last = readings
	v.Screen.Show(lines...)
}

func heading(r *Reading) string {
	out := fmt.Sprintf("%s  %v", r.Link, r.Elapsed.Truncate(time.Second))
	if r.Clients > 0 {
		out += fmt.Sprintf("  %d clients", r.Clients)
	}
	if r.Note != "" {
		out += "  [" + r.Note + "]"
	}
	return out
}

// moving is a direction's line: rates since the last look, losses since the start.
func moving(r, before *Reading) string {
	seconds := (r.Elapsed - before.Elapsed).Seconds()
	mbit := func(now, then Count) float64 { return float64(now.Bytes-then.Bytes) * 8 / 1e6 / seconds }
	delay := r.Stats.Delay.since(&before.Stats.Delay)
	quick := quantiles(&delay)
	report := r.Report(0)
	return fmt.Sprintf("  %-4s  in %7.3f  out %7.3f Mbit/s  lost %.2f %%%s  delay p50 %.1f p99 %.1f ms  queue %d kB%s", r.Direction,
		mbit(r.Stats.In, before.Stats.In), mbit(r.Stats.Out, before.Stats.Out), report.LossPercent, byReason(report.Dropped),
		quick.P50, quick.P99, r.Stats.Queue/1000, faults(r))
}
