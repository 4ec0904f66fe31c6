package e2e_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// A healthy viewer watches a healthy encoder while all the others misbehave.
// Each fault gets its named error, and the viewer never notices any.
func TestFaultsDoNotSpread(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium")
	gateway := startGateway(t, rig.GatewayConfig{
		Passphrases: map[string]string{"secret/*": secret}, Hold: 3 * time.Second,
		// What viewers cost is seen where garbage is not left lying.
		Env: []string{"GOGC=20"},
	})
	const healthy = "live/healthy"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: healthy}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	watch := ourPage(gateway, healthy, 120)
	viewer := startViewer(t, watch)
	if err := viewer.Playing(); err != nil {
		t.Fatal(err)
	}

	client, err := gateway.DialMoQ(t.Context(), moqt.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	recording, err := rig.Record(t.Context(), client, healthy)
	if err != nil {
		t.Fatal(err)
	}

	f := faults{gateway: gateway, dir: artifactDir(t), healthy: healthy}
	t.Run("wrong passphrase", f.wrongPassphrase)
	t.Run("no passphrase", f.noPassphrase)
	t.Run("bad stream id", f.badStreamID)
	t.Run("second publisher", f.secondPublisher)
	t.Run("garbage instead of a transport stream", f.garbage)
	t.Run("half a packet", f.halfAPacket)
	t.Run("encoder killed and started again", f.killedEncoder)
	t.Run("viewers that read nothing", f.deafViewers)
	t.Run("unknown broadcast and track", f.unknownNames)
	t.Run("nonsense over QUIC", f.nonsense)
	t.Run("far future part", f.farFuturePart)

	if err := viewer.HangUp(); err != nil {
		t.Fatal(err)
	}
	seen, err := viewer.Result()
	if err != nil {
		t.Fatal(err)
	}
	report(t, seen)
	if media, wall := seen.Advanced(); media < 0.9*wall {
		t.Errorf("%.1f s played in %.1f s", media, wall)
	}
	for _, track := range recording.Catalog().Tracks {
		// File fails if an object is missing.
		if _, err := recording.File(track); err != nil {
			t.Errorf("the healthy viewer: %v", err)
		}
	}
	if reconnects := ourStats(t, seen).Reconnects; reconnects > 0 {
		t.Errorf("the healthy viewer had to connect again %d times", reconnects)
	}
}

type faults struct {
	gateway *rig.Gateway
	dir     string
	healthy string
}

// refused pushes to a stream id and wants this libsrt reject code.
func (f faults) refused(t *testing.T, query string, code int, named string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := srt.Push(ctx, f.gateway.SRT()+"?latency=120&"+query, strings.NewReader("never sent"))
	rejected, ok := errors.AsType[*srt.RejectedError](err)
	if !ok || rejected.Code != code {
		t.Errorf("pushing got %v, want reject code %d", err, code)
	}
	f.logged(t, "reason="+named)
}

// logged waits for words in the gateway's log.
func (f faults) logged(t *testing.T, words ...string) {
	t.Helper()
	within(t, 10*time.Second, func() error {
		for line := range strings.Lines(f.gateway.Output()) {
			if containsAll(line, words) {
				return nil
			}
		}
		return errors.New("no log line with " + strings.Join(words, ", "))
	})
}

func containsAll(line string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(line, word) {
			return false
		}
	}
	return true
}

func (f faults) wrongPassphrase(t *testing.T) {
	f.refused(t, "streamid=publish:secret/a&passphrase=not-the-right-one", 10, "wrong_passphrase")
}

func (f faults) noPassphrase(t *testing.T) {
	f.refused(t, "streamid=publish:secret/b", 11, "passphrase_missing")
}

func (f faults) badStreamID(t *testing.T) {
	f.refused(t, "streamid=publish:../../etc/passwd", 1400, "bad_")
}

func (f faults) secondPublisher(t *testing.T) {
	f.refused(t, "streamid=publish:"+f.healthy, 1409, "already_publishing")
}

// send pushes bytes under a name, at a pace, until the gateway hangs up.
func (f faults) send(t *testing.T, name string, chunks ...[]byte) {
	t.Helper()
	r, w := io.Pipe()
	go func() {
		r.CloseWithError(srt.Push(t.Context(), f.gateway.SRT()+"?latency=120&streamid=publish:"+name, r))
	}()
	defer w.Close()
	for _, chunk := range chunks {
		if _, err := w.Write(chunk); err != nil {
			t.Logf("hung up: %v", err)
			return
		}
		time.Sleep(2 * time.Millisecond) // the pace of 5 Mbit/s
	}
}

func (f faults) garbage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	chunks := make([][]byte, 500)
	for i := range chunks {
		chunks[i] = make([]byte, 1316)
		for j := range chunks[i] {
			chunks[i][j] = byte(random.Uint32())
		}
	}
	f.send(t, "live/garbage", chunks...)
	f.logged(t, "encoder gone", "live/garbage", "reason=not_a_transport_stream")
}

func (f faults) halfAPacket(t *testing.T) {
	packet := append([]byte{0x47, 0x1f, 0xff, 0x10}, make([]byte, 184)...)
	f.send(t, "live/half", packet, packet, packet[:94])
	f.logged(t, "encoder gone", "live/half")
}

// A broadcast outlives its encoder: the viewer sees the second one's pictures
// on the same page.
func (f faults) killedEncoder(t *testing.T) {
	target := rig.Target{Gateway: f.gateway, StreamID: "publish:live/killed"}
	first, err := rig.StartFFmpeg(context.Background(), f.dir, target, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	viewer := startViewer(t, ourPage(f.gateway, "live/killed", 12))
	if err := viewer.Playing(); err != nil {
		first.Stop()
		t.Fatal(err)
	}
	first.Stop() // by SIGKILL: nobody says goodbye
	second, err := rig.StartFFmpeg(context.Background(), f.dir, target, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	f.logged(t, "silent publisher replaced", "live/killed")
	seen, err := viewer.Result()
	if err != nil {
		t.Fatal(err)
	}
	report(t, seen)
	if media, _ := seen.Advanced(); media < 4 {
		t.Errorf("%.1f s played of 12 s with a new encoder in between", media)
	}
	if last := seen.Latency[len(seen.Latency)-1]; last > 3000 {
		t.Errorf("the last picture is %.0f ms old", last)
	}
}

// deafViewers subscribe and then read nothing of what comes: their groups are
// skipped and counted, and what waits for them is bounded.
func (f faults) deafViewers(t *testing.T) {
	const viewers, each = 5, 8 << 20
	before, skipped := f.rss(t), f.skipped(t)
	for range viewers {
		client, err := f.gateway.DialMoQ(t.Context(), moqt.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		// Nobody calls Next.
		if _, err := client.Subscribe(t.Context(), relay.Namespace(f.healthy), "video", moqt.SubscribeOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// At this bitrate it takes some 40 s to fill what QUIC takes unread.
	within(t, 90*time.Second, func() error {
		if f.skipped(t) < skipped+viewers {
			return errors.New("no group is skipped for viewers who read nothing")
		}
		return nil
	})
	grown := f.rss(t) - before
	t.Logf("%d viewers who read nothing cost %.1f MB", viewers, float64(grown)/1e6)
	if grown > viewers*each {
		t.Errorf("%d viewers who read nothing cost %d bytes", viewers, grown)
	}
}

func (f faults) skipped(t *testing.T) float64 {
	t.Helper()
	metrics, err := f.gateway.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return metrics.Sum("freshet_moqt_skipped_groups_total")
}

func (f faults) rss(t *testing.T) int64 {
	t.Helper()
	rss, err := f.gateway.RSS()
	if err != nil {
		t.Fatal(err)
	}
	return rss
}

func (f faults) unknownNames(t *testing.T) {
	client, err := f.gateway.DialMoQ(t.Context(), moqt.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, name := range []struct{ namespace, track string }{{"live/nobody", "video"}, {f.healthy, "smell"}} {
		_, err := client.Subscribe(t.Context(), relay.Namespace(name.namespace), name.track, moqt.SubscribeOptions{})
		if refused, ok := errors.AsType[*moqt.RequestError](err); !ok || refused.Code != wire.RequestDoesNotExist {
			t.Errorf("subscribing to %s of %s got %v", name.track, name.namespace, err)
		}
	}
	if _, err := rig.Catalog(t.Context(), client, relay.Namespace(f.healthy)); err != nil {
		t.Errorf("the session is of no use after two refusals: %v", err)
	}
	if _, err := rig.Get(t.Context(), f.gateway.HTTP("/live/nobody/index.m3u8")); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("playlist of nobody: %v", err)
	}
}

// nonsense is the right ALPN and then random bytes on every kind of stream.
func (f faults) nonsense(t *testing.T) {
	for _, protocol := range wire.Protocols() {
		conn, err := f.gateway.DialRawQUIC(t.Context(), protocol)
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(3, 4))
		for range 20 {
			bytes := make([]byte, 64)
			for i := range bytes {
				bytes[i] = byte(random.Uint32())
			}
			if stream, err := conn.OpenUniStream(t.Context()); err == nil {
				stream.Write(bytes)
			}
			if stream, err := conn.OpenStream(t.Context()); err == nil {
				stream.Write(bytes)
			}
		}
		select {
		case <-conn.Context().Done():
		case <-time.After(15 * time.Second):
			t.Errorf("%s: a client of random bytes is still connected", protocol)
		}
		closed, ok := errors.AsType[*moqt.CloseError](context.Cause(conn.Context()))
		if !ok || !closed.Remote || closed.Code == 0 {
			t.Errorf("%s: the session ended with %v, not with a protocol's code", protocol, context.Cause(conn.Context()))
		}
	}
}

// A request for a part that is far in the future is refused at once, not held
// (RFC 8216bis, 6.2.5.2).
func (f faults) farFuturePart(t *testing.T) {
	playlists, err := rig.Playlists(t.Context(), f.gateway.HTTP("/"+f.healthy+"/index.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	for track, playlist := range playlists {
		for _, query := range []string{"?_HLS_msn=99999999999999", "?_HLS_msn=99999999999999&_HLS_part=3", "?_HLS_part=3", "?_HLS_msn=-1"} {
			began := time.Now()
			_, err := rig.Get(t.Context(), playlist+query)
			if err == nil || !strings.Contains(err.Error(), http.StatusText(http.StatusBadRequest)) {
				t.Errorf("%s%s: %v", track, query, err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s%s was held for %v", track, query, took)
			}
		}
	}
}
