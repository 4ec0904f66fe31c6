import Hls, { ErrorTypes, Events, type ErrorData } from "hls.js";
import { playlistUrl, refused } from "./config.ts";
import { Crowding, fullMessage } from "./crowding.ts";
import type { Engine, EngineHost, EngineStats, Predecessor } from "./engine.ts";
import { HlsMeter } from "./hlsmeter.ts";
import { BitrateMeter } from "./meter.ts";
import { type DatedFragment, positionOf } from "./position.ts";
import { fetchEdges, isAlive } from "./server.ts";
import { Silence } from "./silence.ts";

const retryInterval = 2000;
const tickInterval = 100;
const unauthorized = 401;
const forbidden = 403;
const notFound = 404;
const unavailable = 503;

export function hlsSupported(): boolean {
  return Hls.isSupported();
}

/**
 * LL-HLS by hls.js. The chunk of this module is loaded only when it is needed. When
 * its edge is gone another instance begins at the next one, where the first has come to.
 */
export class HlsEngine implements Engine {
  readonly name = "hls";
  private readonly lifetime = new AbortController();
  /** What feeds the element, or will as the first. */
  private hls: Hls | undefined;
  /** What takes over as soon as it knows the playlist. */
  private successor: Hls | undefined;
  private readonly crowding = new Crowding();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly meter: HlsMeter;
  private readonly silence = new Silence();
  private readonly bitrate = new BitrateMeter();
  private reconnects = 0;
  private doubting = false;

  constructor(
    private readonly host: EngineHost,
    private predecessor?: Predecessor,
  ) {
    this.meter = new HlsMeter(host.video, () => this.hls?.playingDate ?? null);
  }

  start(): void {
    this.meter.start();
    this.timer = setInterval(() => this.listen(), tickInterval);
    void this.learnEdges();
    this.load(this.predecessor);
  }

  stop(): void {
    this.lifetime.abort();
    clearTimeout(this.retry);
    clearInterval(this.timer);
    this.meter.stop();
    this.predecessor?.release();
    this.predecessor = undefined;
    this.successor?.destroy();
    this.hls?.destroy();
    this.hls = this.successor = undefined;
  }

  stats(): EngineStats {
    const level = this.hls?.levels[this.hls.currentLevel];
    return {
      ...this.meter.stats(this.host.clock.now()),
      targetBuffer: Math.round((this.hls?.targetLatency ?? 0) * 1000),
      needed: { video: null, audio: null },
      jitter: null,
      bitrate: Math.round(this.bitrate.rate(performance.now())),
      receivedBytes: this.bitrate.total,
      reconnects: this.reconnects,
      videoCodec: level?.videoCodec ?? null,
      audioCodec: level?.audioCodec ?? null,
      swarm: null,
    };
  }

  private async learnEdges(): Promise<void> {
    const { edges } = this.host;
    edges.add(await fetchEdges(edges.current, this.lifetime.signal).catch(() => []));
  }

  /** Begins at the edge that serves now, behind what plays if anything does. */
  private load(before?: Predecessor): void {
    const hls = this.create();
    this.silence.note(performance.now());
    if (before) {
      this.successor = hls;
      // Until the playlist is known, what plays goes on.
      hls.once(Events.LEVEL_UPDATED, (_, { details }) => queueMicrotask(() => this.takeOver(hls, details.fragments, before)));
    } else {
      this.hls = hls;
      hls.attachMedia(this.host.video);
    }
    hls.loadSource(playlistUrl(this.host.address, this.host.edges.current));
  }

  private create(): Hls {
    const hls = new Hls({
      lowLatencyMode: true,
      backBufferLength: 8,
      maxBufferLength: 12,
      maxLiveSyncPlaybackRate: this.host.config.maximumRate,
      enableWorker: false,
    });
    hls.on(Events.ERROR, (_, data) => this.onError(hls, data));
    hls.on(Events.FRAG_BUFFERED, () => this.host.report("playing", ""));
    hls.on(Events.MANIFEST_PARSED, () => this.host.play());
    hls.on(Events.LEVEL_UPDATED, () => this.silence.note(performance.now()));
    hls.on(Events.BUFFER_APPENDING, (_, { data }) => {
      this.silence.note(performance.now());
      this.bitrate.add(data.byteLength, performance.now());
    });
    return hls;
  }

  private takeOver(hls: Hls, fragments: readonly DatedFragment[], before: Predecessor): void {
    if (this.successor !== hls) {
      return;
    }
    const { video } = this.host;
    const { paused } = video;
    const position = positionOf(before.date(), fragments);
    this.predecessor = this.successor = undefined;
    before.release();
    this.hls = hls;
    hls.attachMedia(video);
    hls.startLoad(position);
    if (!paused) {
      this.host.play(); // A new source pauses the element.
    }
  }

  private onError(hls: Hls, data: ErrorData): void {
    if (hls !== (this.successor ?? this.hls)) {
      return;
    }
    if (data.type === ErrorTypes.NETWORK_ERROR) {
      void this.doubt(this.host.edges.current);
    }
    if (!data.fatal) {
      return;
    }
    if (data.type === ErrorTypes.MEDIA_ERROR && this.reconnects % 3 < 2) {
      this.reconnects++;
      hls.recoverMediaError();
      return;
    }
    this.fail(hls, data);
  }

  private fail(hls: Hls, data: ErrorData): void {
    const code = data.response?.code;
    const { edges, address } = this.host;
    const { name } = address;
    if (code === unauthorized || code === forbidden) {
      // Asking again would not help: somebody has to give another token.
      this.discard(hls);
      this.host.report("failed", refused(name));
      return;
    }
    if (code === unavailable && this.crowdedOut(hls, retryAfterOf(data))) {
      return;
    }
    if (data.type === ErrorTypes.NETWORK_ERROR && edges.others.length > 0 && code !== notFound) {
      this.moveOn(edges.current);
      return;
    }
    if (edges.current !== edges.home) {
      edges.failed(edges.current);
    }
    this.discard(hls);
    this.host.report(
      code === notFound ? "waiting" : "reconnecting",
      code === notFound ? `${name} is not live. Waiting for the encoder…` : `Connection lost: ${data.details}`,
    );
    this.retryLater();
  }

  /** The server takes no more viewers now, nor does another: it is waited for. */
  private crowdedOut(hls: Hls, retryAfter: number | undefined): boolean {
    const { edges } = this.host;
    const now = performance.now();
    const wait = this.crowding.note(edges.current, retryAfter, now);
    if (this.crowding.roomElsewhere(edges.others, now)) {
      return false;
    }
    this.discard(hls);
    this.host.report("waiting", fullMessage(wait));
    this.retryLater(wait);
    return true;
  }

  private retryLater(wait = retryInterval): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.reload(), wait);
  }

  private reload(): void {
    this.reconnects++;
    this.load(this.hls ? this.present(this.hls) : this.predecessor);
  }

  private listen(): void {
    const { edges } = this.host;
    if (edges.others.length > 0 && this.silence.doubtful(performance.now())) {
      void this.doubt(edges.current);
    }
  }

  /** Moves on if the edge is gone; errors and silence may have other reasons. */
  private async doubt(edge: string): Promise<void> {
    if (this.doubting || this.host.edges.others.length === 0) {
      return;
    }
    this.doubting = true;
    const alive = await isAlive(edge, this.lifetime.signal);
    this.doubting = false;
    if (!alive && !this.lifetime.signal.aborted && edge === this.host.edges.current) {
      this.moveOn(edge);
    }
  }

  /** At once for the first time; when all edges were tried, after a while. */
  private moveOn(edge: string): void {
    const { edges } = this.host;
    edges.failed(edge);
    const { hls, successor } = this;
    this.successor = undefined;
    successor?.destroy();
    hls?.stopLoad();
    if (edges.current === edges.home && successor) {
      this.host.report("reconnecting", "Connection lost: no server answers");
      this.retryLater();
      return;
    }
    clearTimeout(this.retry);
    this.reload();
  }

  private present(hls: Hls): Predecessor {
    return {
      date: () => hls.playingDate?.getTime(),
      release: () => this.discard(hls),
    };
  }

  private discard(hls: Hls): void {
    hls.destroy();
    if (this.hls === hls) {
      this.hls = undefined;
    }
    if (this.successor === hls) {
      this.successor = undefined;
    }
  }
}

/** Milliseconds that a refusal asks for, where the page may read it. */
function retryAfterOf({ networkDetails }: ErrorData): number | undefined {
  const request = networkDetails as { getResponseHeader?(name: string): string | null } | null | undefined;
  const seconds = Number(request?.getResponseHeader?.("Retry-After") ?? NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}
