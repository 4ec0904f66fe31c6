package impair

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/report/live"
)

// WriteText writes readings for people, totals since the start.
func WriteText(w io.Writer, readings []Reading) error {
	for i := range readings {
		r := &readings[i]
		s := &r.Stats
		fmt.Fprintf(w, "%s %s: %d packets in, %d out in %.1f s (%.2f Mbit/s)\n", r.Link, r.Direction, s.In.Packets, s.Out.Packets,
			r.Elapsed.Seconds(), float64(s.Out.Bytes)*8/1e6/r.Elapsed.Seconds())
		fmt.Fprintf(w, "  lost %.3f %%%s, duplicated %d, reordered %d\n", float64(s.LossShare())*100, byReason(s), s.Duplicated, s.Reordered)
		_, err := fmt.Fprintf(w, "  delay p50 %.2f p99 %.2f ms, written late p50 %.3f p99 %.3f ms, queue at most %d bytes%s\n",
			millis(&s.Delay, .5), millis(&s.Delay, .99), millis(&r.Late, .5), millis(&r.Late, .99), s.QueueMax, faults(r))
		if err != nil {
			return err
		}
	}
	return nil
}

// millis is a quantile in ms.
func millis(h *Histogram, q float64) float64 { return h.Quantile(q).Seconds() * 1e3 }

// byReason lists what is not zero.
func byReason(s *Stats) string {
	var parts []string
	for why := Outage; why < reasons; why++ {
		if n := s.Dropped[why]; n > 0 {
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
	delay := r.Stats.Delay.since(&before.Stats.Delay)
	return fmt.Sprintf("  %-4s  in %7.3f  out %7.3f Mbit/s  lost %.2f %%%s  delay p50 %.1f p99 %.1f ms  queue %d kB%s", r.Direction,
		r.rate(before, in)/1e6, r.rate(before, out)/1e6, float64(r.Stats.LossShare())*100, byReason(&r.Stats),
		millis(&delay, .5), millis(&delay, .99), r.Stats.Queue/1000, faults(r))
}

func in(s *Stats) Count { return s.In }

func out(s *Stats) Count { return s.Out }

// rate is that of what was counted since an earlier reading, in bit/s.
func (r *Reading) rate(before *Reading, of func(*Stats) Count) float64 {
	return float64(of(&r.Stats).Bytes-of(&before.Stats).Bytes) * 8 / (r.Elapsed - before.Elapsed).Seconds()
}
