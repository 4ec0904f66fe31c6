import type { Catalog, CatalogTrack, Kind } from "../media/catalog.ts";
import { MediaSink, typeSupported } from "../media/sink.ts";
import { RequestCode, SessionCode, unauthorizedDone } from "../moqt/codes.ts";
import { Session } from "../moqt/session.ts";
import type { TrackEnd } from "../moqt/subscription.ts";
import { Swarm } from "../swarm/swarm.ts";
import { Backoff, sleep } from "./backoff.ts";
import { CatalogFeed } from "./catalogfeed.ts";
import { Carriers } from "./carriers.ts";
import { moqAlone, refused } from "./config.ts";
import { Crowding, fullMessage } from "./crowding.ts";
import { Connector, type Line, NoMoqError } from "./connector.ts";
import type { Engine, EngineHost, EngineStats } from "./engine.ts";
import { EncoderClock } from "./latency.ts";
import { LiveControl } from "./livecontrol.ts";
import { type ServerInfo, fetchInfo, findAlive, isAlive } from "./server.ts";
import { Silence } from "./silence.ts";
import type { Carrier } from "./stats.ts";
import { TrackFeed } from "./trackfeed.ts";

const connectTimeout = 5000;
/** While a buffer runs out. */
const reconnectTimeout = 2500;
const tickInterval = 100;
/** Connections in a row without a picture after which another transport is tried. */
const maxFailures = 3;
/** Tries in a row without a connection after which what has played goes on over another transport. */
const maxUnreached = 2;
/** Without media for so long the viewer is told; without anything, the catalog included, the connection is given up. */
const silence = 2000;
const deadSilence = 8000;
/** So often an edge that was never seen to have the broadcast may say that it is not live. */
const maxRefusals = 2;
/** A broadcast that is not live is asked for again about so often. */
const retryInterval = 1000;
/** Below this much buffer a late group is given up for the next one. */
const leastPatience = 100;
/** Before the picture starts, how long the joining fetch may hold up the next group. */
const joinPatience = 500;

const implementation = "freshet-player";

/** MoQ, over WebTransport or WebSocket, into MediaSource. */
export class MoqEngine implements Engine {
  readonly name = "moq";
  private readonly lifetime = new AbortController();
  private readonly backoff = new Backoff(250, 5000);
  private readonly encoderClock = new EncoderClock();
  private readonly live: LiveControl;
  private readonly feeds: Record<Kind, TrackFeed>;
  private readonly swarm: Swarm;
  private sink: MediaSink | undefined;
  private opening: Promise<void> | undefined;
  private readonly connector: Connector<Session>;
  private readonly carriers: Carriers;
  private readonly silence = new Silence();
  private readonly crowding = new Crowding();
  private session: Session | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  /** The edge of the present connection, if it can be asked anything. */
  private edge: string | undefined;
  /** The connection that takes over from the present one. */
  private successor: Line<Session> | undefined;
  /** The present connection has brought a catalog. */
  private served = false;
  private chosen: CatalogTrack[] = [];
  private carrier: Carrier | null = null;
  private draft: string | null = null;
  private connections = 0;
  private failures = 0;
  /** Tries in a row that no server gave a session. */
  private unreached = 0;
  private lastTrim = 0;
  private notedBytes = 0;
  private lastMedia = 0;
  private lastNews = 0;
  /** The broadcast is known not to be live. */
  private waiting = false;

  constructor(private readonly host: EngineHost) {
    this.live = new LiveControl(
      host.video,
      host.config,
      () => host.play(),
      () => this.sink?.latestEnd,
    );
    this.feeds = { video: this.newFeed("video"), audio: this.newFeed("audio") };
    this.swarm = new Swarm({ engine: host, feed: this.feeds.video, live: this.live, latency: () => this.latency() });
    this.carriers = new Carriers(host.config.transport === "websocket" ? ["websocket"] : ["webtransport", "websocket"]);
    this.connector = new Connector<Session>(host.edges, host.address.token, {
      ask: fetchInfo,
      open: (info, signal) => this.open(info, signal),
      close: (session) => session.close(),
    });
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), tickInterval);
    void this.run();
  }

  stop(): void {
    this.lifetime.abort();
    clearInterval(this.timer);
    this.swarm.stop();
    this.session?.close();
    this.sink?.close();
    this.sink = undefined;
  }

  stats(): EngineStats {
    const { video, audio } = this.feeds;
    const now = performance.now();
    return {
      carrier: this.carrier,
      draft: this.draft,
      latency: this.latency(),
      latencySource: "prft",
      bufferAhead: Math.round(this.live.ahead * 1000),
      buffer: { video: this.aheadOf("video"), audio: this.aheadOf("audio") },
      targetBuffer: Math.round(this.live.target * 1000),
      needed: { video: milliseconds(this.live.neededBy("video", now)), audio: milliseconds(this.live.neededBy("audio", now)) },
      jitter: milliseconds(this.live.jitter(now)),
      bitrate: Math.round(video.bitrate.rate(now) + audio.bitrate.rate(now)),
      receivedBytes: video.bitrate.total + audio.bitrate.total,
      droppedGroups: video.droppedGroups + audio.droppedGroups,
      stalls: this.live.stalls.count,
      stallTime: Math.round(this.live.stalls.duration),
      jumps: this.live.jumps,
      reconnects: Math.max(0, this.connections - 1),
      videoCodec: video.codec,
      audioCodec: audio.codec,
      swarm: this.swarm.stats(now),
    };
  }

  private newFeed(kind: Kind): TrackFeed {
    return new TrackFeed(kind, {
      onProducer: (media, wall) => this.encoderClock.add(media, wall),
      onChunk: (kind, decode, display) => {
        this.live.noteArrival(kind, decode, display, performance.now());
        if (kind === "video") {
          this.swarm.noteChunk(decode, display);
        }
      },
      onTrackEnd: () => undefined,
      otherEnd: () => this.feeds[kind === "video" ? "audio" : "video"].end,
      onCovered: () => this.live.noteLoss(),
    });
  }

  private get stopped(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** Connects again and again until stopped. */
  private async run(): Promise<void> {
    while (!this.stopped) {
      const reason = await this.connectOnce().catch((error: unknown) => this.failed(error));
      if (this.successor && !this.stopped) {
        continue;
      }
      if (this.stopped || (await this.giveUp(reason))) {
        return;
      }
      this.host.report(this.live.started ? "reconnecting" : "connecting", `Connection lost: ${reason}`);
      const first = this.backoff.fresh;
      const pause = this.backoff.next();
      // What is buffered lasts for less than a pause; the others are not those who all come at once.
      if (!first || this.host.edges.others.length === 0) {
        await sleep(pause, this.lifetime.signal);
      }
    }
  }

  private failed(error: unknown): string {
    this.unreached++;
    if (error instanceof NoMoqError) {
      this.failures = maxFailures;
    }
    return describe(error);
  }

  private async giveUp(reason: string): Promise<boolean> {
    if (this.live.started) {
      return this.giveUpPlaying(reason);
    }
    if (++this.failures < maxFailures) {
      return false;
    }
    this.host.giveUp(reason);
    return true;
  }

  /** What has played goes on with another transport only if a server answers, as else none would work. */
  private async giveUpPlaying(reason: string): Promise<boolean> {
    const { edges, config, video } = this.host;
    if (this.unreached < maxUnreached || moqAlone(config)) {
      return false;
    }
    const alive = await findAlive(edges.all, this.lifetime.signal);
    if (alive === undefined || this.stopped) {
      return false;
    }
    edges.use(alive);
    // Media time is the broadcast's timeline, from which LL-HLS has its dates.
    this.host.giveUp(reason, { date: () => video.currentTime * 1000, release: () => this.stop() });
    return true;
  }

  /** Runs one connection to its end and says why it ended. */
  private async connectOnce(): Promise<string> {
    const line = this.successor ?? (await this.connector.open(this.lifetime.signal));
    const { session } = line;
    this.successor = undefined;
    if (this.stopped) {
      session.close();
      return "stopped";
    }
    this.session = session;
    this.edge = line.origin;
    this.served = false;
    this.unreached = 0;
    this.connections++;
    this.silence.reset();
    this.feeds.video.reset();
    this.feeds.audio.reset();
    // What plays goes on at once; the catalog may say something else later.
    this.subscribe(session);
    void this.swarm.attach(session);
    void this.followCatalog(session);
    const reason = await session.closed;
    this.session = undefined;
    return reason;
  }

  private async open(info: ServerInfo, signal: AbortSignal): Promise<Session> {
    const { carrier, transport } = await this.carriers.open(info, this.live.started ? reconnectTimeout : connectTimeout, signal);
    this.carrier = carrier;
    this.draft = transport.protocol || "moqt-18";
    const extension = this.swarm.newExtension(info.swarm === true);
    const session: Session = await Session.start(transport, {
      implementation,
      ...(extension ? { extension } : {}),
      onGoaway: (goaway) => void this.migrate(session, goaway.uri),
      onData: () => this.session === session && this.silence.note(performance.now()),
    });
    this.swarm.bind(session, extension);
    return session;
  }

  /**
   * The server is going away: it serves on for a while, in which the next one is
   * connected. Without a URI that is whoever answers at the same address now.
   */
  private async migrate(from: Session, uri: string): Promise<void> {
    this.backoff.reset();
    while (this.session === from && !this.stopped) {
      const next = await this.connector.openElsewhere(uri, this.lifetime.signal).catch(() => undefined);
      if (next && this.session === from && !this.stopped) {
        this.successor = next;
        from.close(SessionCode.NoError, "the server is going away");
        return;
      }
      next?.session.close();
      await sleep(this.backoff.next(), this.lifetime.signal);
    }
  }

  /** Nothing comes: the encoder is away, or the edge, and then another one has the broadcast. */
  private async doubt(session: Session, edge: string): Promise<void> {
    const began = performance.now();
    if ((await isAlive(edge, this.lifetime.signal)) || this.session !== session || this.silence.brokenSince(began)) {
      return;
    }
    this.leave(session, edge, "the server does not answer");
  }

  private leave(session: Session, edge: string, reason: string): void {
    this.host.edges.failed(edge);
    session.close(SessionCode.NoError, reason);
  }

  /** Subscribes to the catalog until it is there, and again after its end. */
  private async followCatalog(session: Session): Promise<void> {
    let open = true;
    let refusals = 0;
    void session.closed.then(() => (open = false));
    while (open && !this.stopped) {
      const end = await this.catalogOnce(session);
      if (!open || end.kind === "lost") {
        session.close(SessionCode.NoError, "the server closed the connection");
        return;
      }
      if (forbids(end)) {
        // Asking again would not help: somebody has to give another token.
        this.host.report("failed", refused(this.host.address.name));
        this.stop();
        return;
      }
      const { edge } = this;
      if (isFull(end)) {
        if (await this.crowdedOut(session, edge, end.error.retryAfter)) {
          return;
        }
        continue;
      }
      if (edge !== undefined && edge !== this.host.edges.home && !this.served && ++refusals >= maxRefusals) {
        this.leave(session, edge, "this server does not have the broadcast");
        return;
      }
      this.waiting = true;
      this.host.report("waiting", this.waitingMessage());
      await sleep(retryDelay(end), this.lifetime.signal);
    }
  }

  /** Tells whether the session was left for another edge; else its own has been waited for. */
  private async crowdedOut(session: Session, edge: string | undefined, retryAfter: number | undefined): Promise<boolean> {
    const now = performance.now();
    const wait = this.crowding.note(edge, retryAfter, now);
    if (edge !== undefined && this.crowding.roomElsewhere(this.host.edges.all.filter((other) => other !== edge), now)) {
      this.leave(session, edge, "the server takes no more viewers");
      return true;
    }
    this.waiting = true;
    this.host.report("waiting", fullMessage(wait));
    await sleep(wait, this.lifetime.signal);
    return false;
  }

  private catalogOnce(session: Session): Promise<TrackEnd> {
    return new Promise((resolve) => {
      const feed = new CatalogFeed(
        (catalog) => void this.apply(session, catalog),
        (error) => session.close(SessionCode.InternalError, error.message),
        resolve,
      );
      session.subscribe({ namespace: this.host.address.namespace, track: "catalog", priority: 0 }, feed);
    });
  }

  private waitingMessage(): string {
    const { name } = this.host.address;
    return this.live.started
      ? `${name} has stopped. Waiting for the encoder…`
      : `${name} is not live. Waiting for the encoder…`;
  }

  private async apply(session: Session, { tracks, swarm }: Catalog): Promise<void> {
    this.waiting = false;
    this.served ||= this.session === session;
    this.lastNews = performance.now();
    const chosen = choose(tracks);
    if (chosen.length === 0) {
      this.host.report("waiting", unplayable(tracks));
      return;
    }
    // Catalogs come faster than a MediaSource opens: they wait in a row.
    this.opening = (this.opening ?? Promise.resolve()).then(() => this.prepareSink(chosen));
    await this.opening.catch((error: unknown) => this.mediaFailed(error));
    if (this.session !== session || !this.sink) {
      return;
    }
    this.chosen = chosen;
    this.subscribe(session);
    this.swarm.apply(chosen.find(({ kind }) => kind === "video"), swarm);
  }

  private subscribe(session: Session): void {
    for (const track of this.sink ? this.chosen : []) {
      this.feeds[track.kind].subscribe(session, this.host.address.namespace, track);
    }
  }

  /** A sink has its kinds for life: a track of a new kind asks for a new one. */
  private async prepareSink(tracks: CatalogTrack[]): Promise<void> {
    if (this.stopped || (this.sink && tracks.every((track) => this.sink?.buffer(track.kind)))) {
      return;
    }
    this.sink?.close();
    this.live.restart();
    const types = new Map(tracks.map((track) => [track.kind, track.mime]));
    this.sink = await MediaSink.open(this.host.video, types, (error) => this.mediaFailed(error));
    this.feeds.video.attach(this.sink);
    this.feeds.audio.attach(this.sink);
  }

  /** The source is beyond repair: the next connection opens another. */
  private mediaFailed(error: unknown): void {
    this.sink?.close();
    this.sink = undefined;
    this.opening = undefined;
    this.live.restart();
    this.session?.close(SessionCode.NoError, describe(error));
  }

  private tick(): void {
    const now = performance.now();
    const patience = this.live.started
      ? Math.max(leastPatience, this.live.ahead * 1000 - leastPatience)
      : joinPatience;
    this.feeds.video.poll(now, patience);
    this.feeds.audio.poll(now, patience);
    this.coverAbsence(now);
    this.live.tick(now, !this.waiting && now - this.lastMedia < silence);
    this.listen(now);
    this.swarm.tick(now);
    if (now - this.lastTrim > 1000) {
      this.lastTrim = now;
      this.sink?.trim();
      this.notePlaying(now);
    }
  }

  private listen(now: number): void {
    const { session, edge } = this;
    const elsewhere = this.host.edges.others.length > 0;
    if (session && edge !== undefined && elsewhere && !this.waiting && this.silence.doubtful(now)) {
      void this.doubt(session, edge);
    }
  }

  private coverAbsence(now: number): void {
    const { video } = this.host;
    if (this.live.started && video.paused) {
      return;
    }
    const playhead = this.live.started ? video.currentTime : undefined;
    this.feeds.video.coverAbsence(now, playhead);
    this.feeds.audio.coverAbsence(now, playhead);
  }

  private notePlaying(now: number): void {
    const received = this.feeds.video.bitrate.total + this.feeds.audio.bitrate.total;
    if (received > this.notedBytes) {
      this.notedBytes = received;
      this.lastMedia = now;
      this.lastNews = now;
    }
    if (!this.live.started || this.waiting || !this.session) {
      return;
    }
    if (now - this.lastMedia < silence) {
      this.failures = 0;
      this.backoff.reset();
      this.host.report("playing", "");
    } else if (this.host.state() === "playing") {
      this.host.report("waiting", `${this.host.address.name} is interrupted. Waiting for the encoder…`);
    }
    if (now - this.lastNews > deadSilence) {
      this.lastNews = now;
      this.session.close(SessionCode.NoError, "nothing comes any more");
    }
  }

  private aheadOf(kind: Kind): number | null {
    const end = this.sink?.end(kind);
    return end === undefined ? null : Math.max(0, Math.round((end - this.host.video.currentTime) * 1000));
  }

  private latency(): number | null {
    const made = this.live.started ? this.encoderClock.wallClock(this.host.video.currentTime) : undefined;
    return made === undefined ? null : Math.round(this.host.clock.now() - made);
  }
}

/** The first playable track of each kind; renditions are the encoder's to order. */
function choose(tracks: readonly CatalogTrack[]): CatalogTrack[] {
  const playable = tracks.filter((track) => typeSupported(track.mime));
  const kinds: Kind[] = ["video", "audio"];
  return kinds.flatMap((kind) => playable.find((track) => track.kind === kind) ?? []);
}

function unplayable(tracks: readonly CatalogTrack[]): string {
  const codecs = tracks.map((track) => track.codec).join(", ");
  return codecs === "" ? "The broadcast has no picture and no sound yet." : `This browser cannot play ${codecs}.`;
}

/** The server says that this viewer may not watch, or no longer. */
function forbids(end: TrackEnd): boolean {
  switch (end.kind) {
    case "rejected":
      return end.error.code === RequestCode.Unauthorized || end.error.code === RequestCode.ExpiredAuthToken;
    case "done":
      return end.done.code === unauthorizedDone;
    default:
      return false;
  }
}

type Rejected = Extract<TrackEnd, { kind: "rejected" }>;

/** The server takes no more viewers now. */
function isFull(end: TrackEnd): end is Rejected {
  return end.kind === "rejected" && end.error.code === RequestCode.ExcessiveLoad;
}

function retryDelay(end: TrackEnd): number {
  const asked = end.kind === "rejected" ? (end.error.retryAfter ?? retryInterval) : retryInterval;
  return Math.min(5000, Math.max(retryInterval / 2, asked)) * (0.75 + Math.random() / 2);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

function milliseconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 1000);
}
