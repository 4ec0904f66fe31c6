package swarm

import (
	"encoding/json"
	"time"
)

// Times are whole microseconds in JSON, as JavaScript counts them exactly. The
// types below stand in front of the fields they replace.

type jsonEvent Event

type eventTimes struct {
	*jsonEvent
	PTS    int64 `json:"pts,omitempty"`
	Offset int64 `json:"offset,omitempty"`
	Delay  int64 `json:"delay,omitempty"`
	RTT    int64 `json:"rtt,omitempty"`
}

// MarshalJSON writes times as microseconds.
func (e Event) MarshalJSON() ([]byte, error) {
	j := jsonEvent(e)
	return json.Marshal(eventTimes{
		&j, e.PTS.Microseconds(), e.Offset.Microseconds(), e.Delay.Microseconds(), e.RTT.Microseconds(),
	})
}

// UnmarshalJSON reads times as microseconds.
func (e *Event) UnmarshalJSON(b []byte) error {
	t := eventTimes{jsonEvent: (*jsonEvent)(e)}
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	e.PTS, e.Offset, e.Delay, e.RTT = micros(t.PTS), micros(t.Offset), micros(t.Delay), micros(t.RTT)
	return nil
}

type jsonParams Params

type paramTimes struct {
	*jsonParams
	Delay      int64 `json:"delay"`
	GapPull    int64 `json:"gapPull"`
	HedgeStart int64 `json:"hedgeStart"`
	HedgeMin   int64 `json:"hedgeMin"`
	HedgeMax   int64 `json:"hedgeMax"`
}

// MarshalJSON writes times as microseconds.
func (p Params) MarshalJSON() ([]byte, error) {
	j := jsonParams(p)
	return json.Marshal(paramTimes{
		&j, p.Delay.Microseconds(), p.GapPull.Microseconds(),
		p.HedgeStart.Microseconds(), p.HedgeMin.Microseconds(), p.HedgeMax.Microseconds(),
	})
}

// UnmarshalJSON reads times as microseconds.
func (p *Params) UnmarshalJSON(b []byte) error {
	t := paramTimes{jsonParams: (*jsonParams)(p)}
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	p.Delay, p.GapPull = micros(t.Delay), micros(t.GapPull)
	p.HedgeStart, p.HedgeMin, p.HedgeMax = micros(t.HedgeStart), micros(t.HedgeMin), micros(t.HedgeMax)
	return nil
}

type jsonReport Report

type reportTimes struct {
	*jsonReport
	Lag   []int64 `json:"lag"`
	Queue int64   `json:"queue"`
}

// MarshalJSON writes times as microseconds.
func (r Report) MarshalJSON() ([]byte, error) {
	j := jsonReport(r)
	t := reportTimes{&j, make([]int64, 0, len(r.Lag)), r.Queue.Microseconds()}
	for _, lag := range r.Lag {
		t.Lag = append(t.Lag, lag.Microseconds())
	}
	return json.Marshal(t)
}

// UnmarshalJSON reads times as microseconds.
func (r *Report) UnmarshalJSON(b []byte) error {
	t := reportTimes{jsonReport: (*jsonReport)(r)}
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	r.Lag, r.Queue = make([]time.Duration, 0, len(t.Lag)), micros(t.Queue)
	for _, lag := range t.Lag {
		r.Lag = append(r.Lag, micros(lag))
	}
	return nil
}

type jsonPeerReport PeerReport

type peerReportTimes struct {
	*jsonPeerReport
	RTT int64 `json:"rtt"`
}

// MarshalJSON writes times as microseconds.
func (p PeerReport) MarshalJSON() ([]byte, error) {
	j := jsonPeerReport(p)
	return json.Marshal(peerReportTimes{&j, p.RTT.Microseconds()})
}

// UnmarshalJSON reads times as microseconds.
func (p *PeerReport) UnmarshalJSON(b []byte) error {
	t := peerReportTimes{jsonPeerReport: (*jsonPeerReport)(p)}
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	p.RTT = micros(t.RTT)
	return nil
}
