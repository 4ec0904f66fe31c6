package configs

import "time"

// Config is everything that can be set. The yaml tags are the file's keys.
type Config struct {
	Node    Node    `yaml:"node"`
	Auth    Auth    `yaml:"auth"`
	SRT     SRT     `yaml:"srt"`
	RTSP    RTSP    `yaml:"rtsp"`
	Ingest  Ingest  `yaml:"ingest"`
	Web     Web     `yaml:"web"`
	HLS     HLS     `yaml:"hls"`
	MoQ     MoQ     `yaml:"moq"`
	QUIC    QUIC    `yaml:"quic"`
	Relay   Relay   `yaml:"relay"`
	Swarm   Swarm   `yaml:"swarm"`
	Cluster Cluster `yaml:"cluster"`
	Metrics Metrics `yaml:"metrics"`
	Log     Log     `yaml:"log"`
	Drain   Drain   `yaml:"drain"`
}

// SRT is where encoders push to.
type SRT struct {
	// Address is the UDP address; its host is an IP address or empty. An empty
	// address serves none.
	Address string `yaml:"address"`
	// Latency is the least that is negotiated; an encoder may ask for more.
	Latency time.Duration `yaml:"latency"`
	// Passphrase is asked of every stream that Streams does not list; empty
	// takes streams in clear.
	Passphrase Secret `yaml:"passphrase"`
	// DefaultStream is the name of what comes without a stream id; empty
	// refuses it.
	DefaultStream string `yaml:"default_stream"`
	// Streams give passphrases of their own; the first that matches counts.
	Streams []Stream `yaml:"streams"`
}

// Stream is what holds for the streams whose name matches Path.
type Stream struct {
	// Path is a name, or a pattern in which "*" stands for anything within one
	// path element, "?" for one character.
	Path string `yaml:"path"`
	// Passphrase may be empty: these streams come in clear.
	Passphrase Secret `yaml:"passphrase"`
}

// Ingest is for every kind of publisher.
type Ingest struct {
	// Hold is how long a broadcast waits for a publisher that has gone.
	Hold time.Duration `yaml:"hold"`
}

// Web is where viewers come to.
type Web struct {
	// HTTP is a plain TCP address; empty serves none.
	HTTP string `yaml:"http"`
	// HTTPS is a TCP address for HTTP/1.1 and 2, and the same UDP address for
	// HTTP/3, WebTransport and MoQ over QUIC.
	HTTPS string `yaml:"https"`
	// Cert and Key are PEM files; without them a certificate is self-made.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// CertDir keeps a self-made certificate over restarts, and so its hash;
	// empty makes a new one at each start.
	CertDir string `yaml:"cert_dir"`
	// Hosts are the names and addresses that a self-made certificate is for.
	Hosts []string `yaml:"hosts"`
	// MoQURL is where viewers reach the MoQ endpoint when a proxy or a port
	// mapping stands before the gateway; empty is the request's own host with
	// the port of HTTPS.
	MoQURL string `yaml:"moq_url"`
	// Origins are the web origins whose pages may play; "*" is every one.
	Origins []string `yaml:"origins"`
}

// HLS shapes the playlists.
type HLS struct {
	// Segment is the least duration of a media segment, Part the most of a
	// partial one.
	Segment time.Duration `yaml:"segment"`
	Part    time.Duration `yaml:"part"`
}

// MoQ is for MoQ clients.
type MoQ struct {
	// MaxLag is how far a slow viewer may fall behind before groups are left
	// out for it.
	MaxLag time.Duration `yaml:"max_lag"`
	// Publish takes in what MoQ clients publish.
	Publish bool `yaml:"publish"`
}

// QUIC is for transport streams over QUIC, on the UDP port of Web.HTTPS.
type QUIC struct {
	// Publish takes them in. It is off by default, as with MoQ: that port is open
	// to every viewer, and where nothing else is set everybody could publish.
	Publish bool `yaml:"publish"`
}

// Metrics is the listener for operators.
type Metrics struct {
	// Address is a TCP address; empty serves none.
	Address string `yaml:"address"`
	// PProf adds the profiler to it.
	PProf bool `yaml:"pprof"`
}

// Log is what is written to standard error.
type Log struct {
	// Level is debug, info, warn or error; Format is text or json.
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Drain is how a gateway goes down.
type Drain struct {
	// Deadline is how long viewers have to go elsewhere after SIGTERM.
	Deadline time.Duration `yaml:"deadline"`
	// URL is where MoQ clients are sent then; empty is back to this address.
	URL string `yaml:"url"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Node: Node{Tier: TierOrigin},
		SRT: SRT{
			// 8890 is what other gateways taught encoders to use.
			Address: ":8890",
			// libsrt's own default: 3 round trips of 40 ms, enough for the
			// loss of 1 % that the public internet has.
			Latency: 120 * time.Millisecond,
			// Hardware encoders without a stream id should just work.
			DefaultStream: "live/stream",
		},
		RTSP: RTSP{
			// Off: the door shows passwords in clear to the network between, so it
			// is opened on purpose. The port for media is what others use.
			RTPAddress: ":8000",
		},
		// An encoder that is restarted by hand is back in half a minute.
		Ingest: Ingest{Hold: 30 * time.Second},
		Web: Web{
			HTTP: ":8080",
			// 4443 needs no privilege, unlike 443.
			HTTPS: ":4443",
			// What a browser on the same machine calls it.
			Hosts: []string{"localhost", "127.0.0.1", "::1"},
			// Players are embedded in other people's pages.
			Origins: []string{"*"},
		},
		HLS: HLS{
			// Two GOPs of a second, the most common setting: short enough to
			// start fast, long enough for few requests by plain players.
			Segment: 2 * time.Second,
			// A player holds three parts back: 1.5 s behind live.
			Part: 500 * time.Millisecond,
		},
		// Two GOPs of a second: a hiccup of the network is ridden out, and a
		// viewer who is slower than the stream sees the present, not the past.
		MoQ: MoQ{MaxLag: 2 * time.Second},
		// Room for ten segments of three seconds; 30 MB at 8 Mbit/s.
		Relay: Relay{
			Window: 30 * time.Second,
			// Ten seconds at 50 Mbit/s; longer ones are no place to join at.
			GroupMemory: 64,
			// Somebody who reloads a page finds the track running.
			Linger: 10 * time.Second,
		},
		Swarm: defaultSwarm(),
		// A broadcast on air counts more than two of one name.
		Cluster: Cluster{Name: "freshet", WhenDown: "accept"},
		// For this machine alone: pprof and metrics tell about viewers.
		Metrics: Metrics{Address: "127.0.0.1:9464"},
		Log:     Log{Level: "info", Format: "text"},
		// What orchestrators grant before they kill.
		Drain: Drain{Deadline: 30 * time.Second},
	}
}
