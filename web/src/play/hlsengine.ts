import Hls, { ErrorTypes, Events, type ErrorData } from "hls.js";
import { playlistUrl, refused } from "./config.ts";
import type { Engine, EngineHost, EngineStats } from "./engine.ts";
import { HlsMeter } from "./hlsmeter.ts";
import { BitrateMeter } from "./meter.ts";

const retryInterval = 2000;
const unauthorized = 401;
const forbidden = 403;
const notFound = 404;

export function hlsSupported(): boolean {
  return Hls.isSupported();
}

/** LL-HLS by hls.js. The chunk of this module is loaded only when it is needed. */
export class HlsEngine implements Engine {
  readonly name = "hls";
  private hls: Hls | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly meter: HlsMeter;
  private readonly bitrate = new BitrateMeter();
  private reconnects = 0;

  constructor(private readonly host: EngineHost) {
    this.meter = new HlsMeter(host.video, () => this.hls?.playingDate ?? null);
  }

  start(): void {
    this.meter.start();
    this.load();
  }

  stop(): void {
    clearTimeout(this.retry);
    this.meter.stop();
    this.hls?.destroy();
    this.hls = undefined;
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

  private load(): void {
    const hls = new Hls({
      lowLatencyMode: true,
      backBufferLength: 8,
      maxBufferLength: 12,
      maxLiveSyncPlaybackRate: this.host.config.maximumRate,
      enableWorker: false,
    });
    this.hls = hls;
    hls.on(Events.ERROR, (_, data) => this.onError(data));
    hls.on(Events.FRAG_BUFFERED, () => this.host.report("playing", ""));
    hls.on(Events.MANIFEST_PARSED, () => this.host.play());
    hls.on(Events.BUFFER_APPENDING, (_, { data }) => this.bitrate.add(data.byteLength, performance.now()));
    hls.loadSource(playlistUrl(this.host.address));
    hls.attachMedia(this.host.video);
  }

  private onError(data: ErrorData): void {
    if (!data.fatal) {
      return;
    }
    if (data.type === ErrorTypes.MEDIA_ERROR && this.reconnects % 3 < 2) {
      this.reconnects++;
      this.hls?.recoverMediaError();
      return;
    }
    const code = data.response?.code;
    const { name } = this.host.address;
    this.hls?.destroy();
    if (code === unauthorized || code === forbidden) {
      // Asking again would not help: somebody has to give another token.
      this.host.report("failed", refused(name));
      return;
    }
    this.host.report(
      code === notFound ? "waiting" : "reconnecting",
      code === notFound ? `${name} is not live. Waiting for the encoder…` : `Connection lost: ${data.details}`,
    );
    this.retry = setTimeout(() => this.reload(), retryInterval);
  }

  private reload(): void {
    this.reconnects++;
    this.load();
  }
}
