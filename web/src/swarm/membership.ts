import type { CatalogTrack } from "../media/catalog.ts";
import type { Session } from "../moqt/session.ts";
import type { Subscription } from "../moqt/subscription.ts";
import type { LiveControl } from "../play/livecontrol.ts";
import type { TrackFeed } from "../play/trackfeed.ts";
import type { Beacon } from "./beacon.ts";
import type { SwarmKeys } from "./beaconkeys.ts";
import { BeaconTrack } from "./beacontrack.ts";
import type { Identity } from "./certificate.ts";
import { ChunkFeed } from "./chunkfeed.ts";
import { Exchange } from "./exchange.ts";
import type { Figures } from "./figures.ts";
import { LiveEdge } from "./liveedge.ts";
import type { Report as PolicyReport } from "./policy/action.ts";
import type { SwarmExtension, SwarmSession } from "./session.ts";
import type { EdgeMessage, Hello, Mode, Report, Update, Welcome } from "./sessionmessage.ts";
import { type Allowed, stricter } from "./situation.ts";
import { swarmReasons, type SwarmReason } from "./stats.ts";

/** Beacons come before all media: they are small, and pieces wait for them. */
const beaconPriority = 64;
/** Playback may be nearer to the live edge than T by so much (seconds) when pieces take over. */
const readyLead = 0.15;
/** Milliseconds in which an edge may change its mind before the plain subscription takes over again. */
const edgePatience = 3000;
const reportInterval = 1000;
/** Without its MoQ session a swarm goes on for what is under way. */
const orphanPatience = 5000;

export interface MembershipConfig {
  readonly session: Session;
  readonly extension: SwarmExtension;
  readonly namespace: readonly string[];
  readonly track: CatalogTrack;
  readonly keys: SwarmKeys;
  /** Undefined without consent: nothing of WebRTC is touched. */
  readonly identity: Identity | undefined;
  readonly hello: Hello;
}

/** The player around it. */
export interface MembershipHost {
  readonly video: Pick<HTMLVideoElement, "currentTime" | "paused">;
  readonly feed: TrackFeed;
  readonly live: LiveControl;
  readonly figures: Figures;
  /** What the viewer's own side allows. */
  allowed(): Allowed;
  /** From encoder to screen, milliseconds. */
  latency(): number | null;
  serverNow(): number;
  roundTrip(): number | undefined;
  onUpload(bytes: number): void;
  /** It has ended by itself; the player is subscribed again. */
  onEnd(reason: string): void;
}

/**
 * One viewer's time in one swarm, from hello to leave. The video track comes by its
 * subscription until the swarm is on and playback is T behind the live edge; from the next
 * group on it comes in pieces, and by subscription again when the swarm ends.
 */
export class Membership {
  welcome: Welcome | undefined;
  exchange: Exchange | undefined;
  /** T, milliseconds; 0 before the edge has said it. */
  delay = 0;
  private stream: SwarmSession | undefined;
  private edgeMode: Allowed = { mode: "edge", reason: null };
  private told: Allowed = { mode: "edge", reason: null };
  /** What the policy shows: its breaker may be stricter than the edge. */
  private shown: Allowed | undefined;
  private readonly edge = new LiveEdge();
  private beacons: { track: BeaconTrack; subscription: Subscription } | undefined;
  private firstSeen: number | undefined;
  private chunks: ChunkFeed | undefined;
  private edgeSince: number | undefined;
  private reportedAt = 0;
  private reported = { stalls: 0, stallTime: 0, at: 0 };
  private stallsTold = 0;
  private sessionLost = false;
  private orphanedAt: number | undefined;
  private over = false;
  private keys: SwarmKeys;

  constructor(
    readonly config: MembershipConfig,
    private readonly host: MembershipHost,
  ) {
    this.keys = config.keys;
    this.stallsTold = host.live.dryStalls;
    this.reported.at = this.reportedAt = performance.now();
    void config.session.closed.then(() => (this.sessionLost = true));
    void this.join();
  }

  /** Video comes in pieces. */
  get feeding(): boolean {
    return this.chunks !== undefined;
  }

  get state(): Allowed {
    return this.exchange && this.shown ? this.shown : stricter(this.host.allowed(), this.edgeMode);
  }

  setKeys(keys: SwarmKeys): void {
    this.keys = keys;
    this.exchange?.setKeys(keys);
  }

  /** Something changed on this side. */
  update(update: Update): void {
    this.stream?.send({ t: "update", ...update });
  }

  noteChunk(decode: number, display: number): void {
    this.edge.noteChunk(decode, display);
  }

  /** To be called about ten times a second. */
  tick(now: number): void {
    if (this.over || !this.welcome) {
      return;
    }
    if (this.orphanedAt !== undefined && now - this.orphanedAt > orphanPatience) {
      this.finish("the connection is gone");
      return;
    }
    this.applyMode(now);
    this.tellStalls();
    if (!this.feeding && now - this.reportedAt >= reportInterval) {
      this.sendReport(undefined, now);
    }
  }

  /** Leaves; the video track is subscribed to again unless `silently`, when nobody wants it any more. */
  stop(reason: string, silently = false): void {
    if (this.over) {
      return;
    }
    this.over = true;
    this.endExchange(reason, silently);
    this.host.live.pace = undefined;
    this.stream?.leave(reason);
  }

  private async join(): Promise<void> {
    const { session, extension, hello } = this.config;
    try {
      const stream = await extension.join(session, hello, {
        onMessage: (message) => this.over || this.take(message),
        onPiece: ({ id, bytes }, hedged) => this.exchange?.takeEdgePiece(id, bytes, hedged),
        onHedgeDone: (id) => this.exchange?.hedgeDone(id),
        onEnd: (reason) => void this.streamEnded(reason),
      });
      this.stream = stream;
      if (this.over) {
        stream.leave("ended");
      }
    } catch (error) {
      this.finish(error instanceof Error ? error.message : String(error));
    }
  }

  /** The stream may have ended with its session: then peers go on while another one is sought. */
  private async streamEnded(reason: string): Promise<void> {
    await Promise.race([this.config.session.closed, new Promise((resolve) => setTimeout(resolve, 100))]);
    if (this.sessionLost && this.feeding) {
      this.orphanedAt = performance.now();
      return;
    }
    this.finish(reason);
  }

  private finish(reason: string): void {
    if (!this.over) {
      this.stop(reason);
      this.host.onEnd(reason);
    }
  }

  private take(message: EdgeMessage): void {
    switch (message.t) {
      case "welcome":
        this.welcome = message;
        this.delay = message.params.delay;
        this.edgeMode = allowedOf(message.mode, message.reason);
        this.applyMode(performance.now());
        return;
      case "mode":
        this.edgeMode = allowedOf(message.mode, message.reason);
        this.applyMode(performance.now());
        return;
      case "delay":
        this.delay = message.delay;
        this.setPace();
        break;
      case "error":
        this.finish(message.reason);
        return;
      default:
    }
    this.exchange?.take(message);
  }

  private applyMode(now: number): void {
    const allowed = stricter(this.host.allowed(), this.edgeMode);
    const changed = allowed.mode !== this.told.mode || allowed.reason !== this.told.reason;
    this.told = allowed;
    if (allowed.mode !== "edge") {
      this.edgeSince = undefined;
      this.beginExchange(allowed);
    }
    if (changed) {
      this.exchange?.setMode(allowed.mode, allowed.reason ?? "");
    }
    if (allowed.mode === "edge" && this.exchange) {
      this.edgeSince ??= now;
      if (now - this.edgeSince >= edgePatience || !this.feeding) {
        this.endExchange(allowed.reason ?? "mode", false);
      }
    }
    this.setPace();
  }

  private beginExchange(allowed: Allowed): void {
    const { welcome, keys } = this;
    const { identity, namespace, track } = this.config;
    if (this.exchange || !welcome || !identity || track.beacons === undefined) {
      return;
    }
    const params = { ...welcome.params, delay: this.delay };
    this.exchange = new Exchange(
      {
        namespace: namespace.join("/"),
        track: track.name,
        welcome: { ...welcome, params, mode: allowed.mode, reason: allowed.reason ?? "" },
        identity,
        keys,
      },
      {
        send: (message) => this.stream?.send(message),
        onBeacon: (beacon) => this.noteBeacon(beacon),
        onChunk: (group, chunk, payload) => this.chunks?.push(group, chunk, payload),
        onReport: (report) => this.takeReport(report),
        onState: (mode, reason) => (this.shown = allowedOf(mode, reason)),
        onUpload: (bytes) => this.host.onUpload(bytes),
        onBroken: (reason) => this.finish(reason),
        due: () => this.due(),
        serverNow: () => this.host.serverNow(),
        roundTrip: () => this.host.roundTrip(),
      },
    );
    this.firstSeen = undefined;
    this.followBeacons(track.beacons);
  }

  private followBeacons(name: string): void {
    const { session, namespace } = this.config;
    const track = new BeaconTrack({
      onBeacon: (raw) => this.exchange?.takeRawBeacon(raw),
      onGroup: (group, total) => this.chunks?.end(group, total),
      onEnd: () => this.sessionLost || this.finish("the beacons have ended"),
    });
    const subscription = session.subscribe({ namespace, track: name, priority: beaconPriority }, track);
    this.beacons = { track, subscription };
  }

  /** Pieces take over with the first chunk of a group, once playback is where everybody's is. */
  private noteBeacon(beacon: Beacon): void {
    this.edge.note(beacon.pts / 1e6, performance.now());
    this.firstSeen ??= beacon.group;
    const { lead } = this.host.live;
    const ready = lead !== undefined && lead <= readyLead;
    if (!this.chunks && ready && beacon.chunk === 0 && beacon.group > this.firstSeen && !this.sessionLost) {
      const { session, track } = this.config;
      this.chunks = new ChunkFeed(this.host.feed.divert(session, track, beacon.group));
      this.exchange?.begin(beacon.group);
    }
    if (this.exchange?.from !== undefined && beacon.group >= this.exchange.from) {
      this.chunks?.open(beacon.group);
    }
  }

  /** Takes the video by subscription again. */
  private endExchange(reason: string, silently: boolean): void {
    const { exchange, beacons } = this;
    if (!exchange) {
      return;
    }
    const { session, namespace, track } = this.config;
    if (this.chunks && !silently && !this.sessionLost) {
      this.host.feed.rejoin(session, namespace, track);
      this.stream?.send({ t: "feed", subs: 0, group: 0, n: 0 });
    }
    this.host.figures.hedges += exchange.hedges;
    this.exchange = undefined;
    this.chunks = undefined;
    this.shown = undefined;
    this.beacons = undefined;
    exchange.stop(reason);
    if (beacons) {
      beacons.track.stop();
      session.unsubscribe(beacons.subscription);
    }
  }

  /** Who is compared with the swarm plays as far behind. */
  private setPace(): void {
    const paced = this.exchange !== undefined || this.welcome?.control === true;
    const { live } = this.host;
    if (!paced) {
      live.pace = undefined;
    } else if (live.pace?.delay !== this.delay / 1000) {
      live.pace = { delay: this.delay / 1000, edge: (now) => this.edge.edge(now) };
    }
  }

  private due(): number | undefined {
    const { live, video } = this.host;
    return live.started && !video.paused ? video.currentTime + this.edge.lead : undefined;
  }

  /** A picture that stands before a full buffer is not for want of pieces. */
  private tellStalls(): void {
    const { dryStalls } = this.host.live;
    if (dryStalls > this.stallsTold && this.feeding) {
      this.exchange?.stalled();
    }
    this.stallsTold = dryStalls;
  }

  private takeReport(report: PolicyReport): void {
    const now = performance.now();
    this.host.figures.add(report, now);
    this.sendReport(report, now);
  }

  /** Without a report of the policy only how playback goes. */
  private sendReport(report: PolicyReport | undefined, now: number): void {
    const { stalls } = this.host.live;
    const playTime = now - this.reported.at;
    const counters: Report = {
      ...(report ? inMillis(report) : emptyReport),
      stalls: stalls.count - this.reported.stalls,
      stallTime: stalls.duration - this.reported.stallTime,
      playTime: this.host.video.paused || !this.host.live.started ? 0 : playTime,
      latency: Math.max(0, this.host.latency() ?? 0),
    };
    this.reported = { stalls: stalls.count, stallTime: stalls.duration, at: now };
    this.reportedAt = now;
    this.stream?.send({ t: "report", ...counters });
  }
}

const emptyReport = {
  peerBytes: 0,
  edgeBytes: 0,
  hedgeBytes: 0,
  lateBytes: 0,
  duplicateBytes: 0,
  invalidPieces: 0,
  uploadBytes: 0,
  lag: [],
  queue: 0,
  uplink: 0,
  slots: 0,
  peers: [],
};

function inMillis(report: PolicyReport): Omit<Report, "stallTime" | "playTime" | "latency"> {
  return {
    ...report,
    lag: report.lag.map((each) => each / 1000),
    queue: report.queue / 1000,
    peers: report.peers.map(({ rtt, ...rest }) => ({ ...rest, rtt: rtt / 1000 })),
  };
}

/** Words that this version does not know are not shown. */
function allowedOf(mode: Mode, reason: string): Allowed {
  return { mode, reason: mode === "on" ? null : (swarmReasons.find((word): word is SwarmReason => word === reason) ?? null) };
}
