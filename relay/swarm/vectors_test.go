package swarm_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/swarm"
)

var update = flag.Bool("update", false, "rewrite testdata")

const vectorFolder = "testdata/viewer"

// vector is one viewer's life, as in testdata: Go and TypeScript replay it.
type vector struct {
	About string       `json:"about"`
	Seed  uint64       `json:"seed"`
	Steps []tracedStep `json:"steps"`
}

func TestViewerVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	files, err := filepath.Glob(filepath.Join(vectorFolder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { replay(t, file) })
	}
}

func replay(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	viewer := swarm.NewViewer(swarm.ViewerConfig{Seed: v.Seed})
	for i, step := range v.Steps {
		got := viewer.Step(time.Duration(step.Now)*time.Microsecond, step.Event)
		if diff := cmp.Diff(asJSON(t, step.Actions), asJSON(t, append([]swarm.Action{}, got...))); diff != "" {
			t.Fatalf("step %d, %s (-file +now):\n%s", i, step.Event.Kind, diff)
		}
	}
}

func asJSON(t *testing.T, actions []swarm.Action) string {
	t.Helper()
	b, err := json.Marshal(actions)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// write puts a vector into testdata, a step a line.
func (v vector) write(t *testing.T, name string) {
	t.Helper()
	var b bytes.Buffer
	about, err := json.Marshal(v.About)
	if err != nil {
		t.Fatal(err)
	}
	b.WriteString("{\"about\":" + string(about) + ",\"seed\":")
	seed, err := json.Marshal(v.Seed)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(seed)
	b.WriteString(",\"steps\":[\n")
	for i, step := range v.Steps {
		line, err := json.Marshal(step)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	if err := os.MkdirAll(vectorFolder, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(vectorFolder, name+".json"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// life is a small swarm with one viewer whose life becomes a vector.
type life struct {
	name, about string
	cfg         netConfig
	live        func(n *network)
}

// writeVectors runs small swarms, and keeps the lives of viewers that met every
// rule between them.
func writeVectors(t *testing.T) {
	t.Helper()
	for _, l := range lives {
		n := newNetwork(t, l.cfg)
		l.live(n)
		v := n.node(l.cfg.traced)
		vector{l.about, l.cfg.seed + uint64(l.cfg.traced) - 1, v.trace.steps}.write(t, l.name)
	}
	for i, loss := range []int{0, 3, 8} {
		c := &chaos{loss: loss}
		c.live(250 + 50*i)
		vector{"what a broken or hostile world might tell", chaosSeed, c.trace.steps}.write(t, fmt.Sprintf("chaos%d", i+1))
	}
}

// gather lets viewers come, one each 300 ms.
func gather(n *network, uplinks ...int64) {
	for i, up := range uplinks {
		n.join(willing(i), up)
		n.run(300 * time.Millisecond)
	}
}

const (
	fast = 20_000_000
	slow = 1_000_000
)

var lives = []life{
	{"root", "a strong viewer of six: fed by the edge, then parent of others", netConfig{seed: 11, traced: 1}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast, fast)
		n.run(9 * time.Second)
	}},
	{"leaf", "a weak viewer of five: takes from others; its parents leave without a word", netConfig{seed: 12, traced: 5}, func(n *network) {
		gather(n, fast, fast, fast, fast, slow)
		n.run(7 * time.Second)
		leaveParents(n, 5, false)
		n.run(6 * time.Second)
	}},
	{"polite", "its parents leave with a word", netConfig{seed: 13, traced: 4}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast, fast)
		n.run(7 * time.Second)
		leaveParents(n, 4, true)
		n.run(4 * time.Second)
	}},
	{"throttled", "its parents become slow: late pieces, gap pulls, hedges, breakers", netConfig{seed: 14, traced: 4, bitrate: 2_000_000}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast, fast)
		n.run(7 * time.Second)
		for _, id := range n.node(4).parents {
			if p := n.node(id); p != nil {
				p.slowdown = 700 * time.Millisecond
			}
		}
		n.run(8 * time.Second)
	}},
	{"mute", "everybody else stops pushing but does not say so", netConfig{seed: 15, traced: 5}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast)
		n.run(7 * time.Second)
		for _, v := range n.nodes[:4] {
			v.mute = true
		}
		n.run(8 * time.Second)
	}},
	{"polluted", "a parent sends pieces that no beacon signs", netConfig{seed: 16, traced: 4}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast)
		n.run(6 * time.Second)
		for _, id := range n.node(4).parents {
			if p := n.node(id); p != nil {
				p.polluter = true
				break
			}
		}
		n.run(4 * time.Second)
	}},
	{"congested", "a parent whose line gets slow: it halves its slots and sends children away", netConfig{seed: 17, traced: 1, bitrate: 2_000_000}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast, fast)
		n.run(9 * time.Second)
		n.node(1).uplink = 500_000
		n.run(5 * time.Second)
	}},
	{"inflated", "round trips to children get longer: somebody else needs the line", netConfig{seed: 18, traced: 1}, func(n *network) {
		gather(n, fast, fast, fast, fast, fast)
		n.run(8 * time.Second)
		v := n.node(1)
		for range 4 {
			for _, c := range v.conns {
				v.step(swarm.Event{Kind: swarm.EventRTT, Peer: c.to.id, RTT: 180 * time.Millisecond})
			}
			n.run(time.Second)
		}
	}},
	{"modes", "phone, hidden, back, stalled, dropped peers, a new delay, goodbye", netConfig{seed: 19, traced: 3}, livesModes},
	{"again", "its edge restarts and knows it by another number", netConfig{seed: 20, traced: 2}, func(n *network) {
		gather(n, fast, fast, fast)
		n.run(6 * time.Second)
		params := n.cfg.params
		params.HedgeStart = 250 * time.Millisecond
		n.node(2).step(swarm.Event{Kind: swarm.EventWelcome, Self: 2, Mode: swarm.ModeOn, Params: &params})
		n.run(2 * time.Second)
		n.node(2).step(swarm.Event{Kind: swarm.EventWelcome, Self: 77, Mode: swarm.ModeOn, Params: &params})
		n.run(2 * time.Second)
	}},
}

func leaveParents(n *network, id swarm.PeerID, polite bool) {
	for _, p := range n.node(id).parents {
		if v := n.node(p); v != nil {
			v.leave(polite)
		}
	}
}

func livesModes(n *network) {
	gather(n, fast, fast, fast, fast)
	v := n.node(3)
	n.run(6 * time.Second)
	v.step(swarm.Event{Kind: swarm.EventRTT, RTT: 90 * time.Millisecond})
	v.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeReceive, Reason: "cellular"})
	n.run(time.Second)
	v.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeOn})
	v.step(swarm.Event{Kind: swarm.EventSlots, Count: 2})
	v.step(swarm.Event{Kind: swarm.EventDelay, Delay: 1250 * time.Millisecond})
	n.run(3 * time.Second)
	v.step(swarm.Event{Kind: swarm.EventDrop, Peer: 1, Reason: "invalid", Delay: time.Hour})
	v.step(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1}}})
	n.run(2 * time.Second)
	v.step(swarm.Event{Kind: swarm.EventStall})
	n.run(2 * time.Second)
	v.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeReceive, Reason: "hidden"})
	n.run(11 * time.Second)
	v.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeOn})
	n.run(time.Second)
	v.leave(true)
}
