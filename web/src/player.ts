import { ServerClock } from "./play/clock.ts";
import { type PlayerConfig, type PlayerOptions, moqAlone, parseAddress, withDefaults } from "./play/config.ts";
import { Edges } from "./play/edges.ts";
import type { Engine, EngineHost, EngineStats, Predecessor } from "./play/engine.ts";
import { MoqEngine } from "./play/moqengine.ts";
import { nativeHlsSupported, NativeHlsEngine } from "./play/nativehlsengine.ts";
import { fetchText } from "./play/server.ts";
import type { PlayerState, PlayerStats } from "./play/stats.ts";
import { SwarmSettings } from "./swarm/settings.ts";
import { mediaSourceSupported } from "./media/sink.ts";
import { webTransportSupported } from "./moqt/transport.ts";
import { webSocketSupported } from "./qmux/websocket.ts";

export type { PlayerOptions, PlayerState, PlayerStats };

const clockInterval = 30_000;
/** Milliseconds of play after which what another edge's LL-HLS would need is fetched, and between two tries. */
const provisionDelay = 2000;
const loadPause = 2000;

/**
 * Plays a live broadcast in a video element: MoQ over WebTransport where that
 * works, else over WebSocket, else LL-HLS. Starts by itself; events (CustomEvent, detail in brackets):
 * "statechange" ({state, message}), "mute" (playback had to start without sound),
 * "firstframe" ({joinTime}), "transportchange" ({transport, reason}).
 */
export class FreshetPlayer extends EventTarget {
  readonly config: PlayerConfig;
  /** The broadcast's name, such as "live/cam1". */
  readonly name: string;
  /** What the viewer allows of passing video on: `player.swarm.consent = "granted"`. */
  readonly swarm: SwarmSettings;
  state: PlayerState = "connecting";
  /** The state in words for people; empty while all is well. */
  message = "";
  private readonly host: EngineHost;
  private readonly clock: ServerClock;
  private readonly begun = performance.now();
  private readonly clockTimer: ReturnType<typeof setInterval>;
  private engine: Engine | undefined;
  private provision: ReturnType<typeof setTimeout> | undefined;
  private joinTime: number | null = null;

  constructor(
    readonly video: HTMLVideoElement,
    options: PlayerOptions,
  ) {
    super();
    this.config = withDefaults(options);
    const address = parseAddress(this.config.url);
    this.name = address.name;
    this.swarm = new SwarmSettings({ ...this.config.swarm, operator: this.config.swarm.operator || address.origin });
    const edges = new Edges(address.origin, this.config.fallbacks);
    this.clock = new ServerClock(() => `${edges.current}/v1/time`, fetchText);
    this.host = {
      video,
      config: this.config,
      address,
      edges,
      clock: this.clock,
      swarm: this.swarm,
      state: () => this.state,
      report: (state, message) => this.setState(state, message),
      play: () => void this.play(),
      giveUp: (reason, before) => void this.fallBack(reason, before),
    };
    video.playsInline = true;
    video.addEventListener("playing", this.onPlaying);
    this.clockTimer = setInterval(() => this.measureClock(), clockInterval);
    this.measureClock();
    void this.begin();
  }

  /** Frees the video element and all connections. */
  stop(): void {
    clearInterval(this.clockTimer);
    clearTimeout(this.provision);
    this.video.removeEventListener("playing", this.onPlaying);
    this.engine?.stop();
    this.engine = undefined;
    this.setState("stopped", "");
  }

  stats(): PlayerStats {
    const quality = this.video.getVideoPlaybackQuality?.();
    return {
      ...(this.engine?.stats() ?? noStats),
      state: this.state,
      transport: this.engine?.name ?? null,
      playbackRate: this.video.playbackRate,
      joinTime: this.joinTime,
      width: this.video.videoWidth,
      height: this.video.videoHeight,
      droppedFrames: quality?.droppedVideoFrames ?? 0,
    };
  }

  private async begin(): Promise<void> {
    const { transport } = this.config;
    const moqPossible = (webTransportSupported() || webSocketSupported()) && mediaSourceSupported();
    if (transport !== "hls" && moqPossible) {
      this.use(new MoqEngine(this.host));
    } else if (moqAlone(this.config)) {
      this.setState("failed", "This browser has no Media Source Extensions, which MoQ needs.");
    } else {
      await this.useHls("this browser cannot play MoQ");
    }
  }

  private async fallBack(reason: string, before?: Predecessor): Promise<void> {
    if (!before) {
      this.engine?.stop();
      this.engine = undefined;
    }
    if (moqAlone(this.config)) {
      this.setState("failed", `MoQ does not work here: ${reason}`);
      return;
    }
    await this.useHls(reason, before);
  }

  private async useHls(reason: string, before?: Predecessor): Promise<void> {
    const loaded = await this.loadHls();
    if (!loaded || this.state === "stopped") {
      return;
    }
    const { HlsEngine, hlsSupported } = loaded;
    if (hlsSupported()) {
      this.use(new HlsEngine(this.host, before), reason);
      return;
    }
    before?.release();
    if (nativeHlsSupported(this.video)) {
      this.use(new NativeHlsEngine(this.host), reason);
    } else {
      this.setState("failed", "This browser can play neither MoQ nor HLS.");
    }
  }

  /** Its code comes from the server that the player came from, which may be away. */
  private async loadHls(): Promise<typeof import("./play/hlsengine.ts") | undefined> {
    while (this.state !== "stopped") {
      const loaded = await import("./play/hlsengine.ts").catch(() => undefined);
      if (loaded) {
        return loaded;
      }
      await new Promise((resolve) => setTimeout(resolve, loadPause));
    }
    return undefined;
  }

  private use(engine: Engine, reason = ""): void {
    this.engine = engine;
    this.emit("transportchange", { transport: engine.name, reason });
    engine.start();
  }

  /** Once this server is gone it is too late to fetch the code that plays from another. */
  private prepareFallback(): void {
    if (this.config.transport === "auto" && this.host.edges.others.length > 0) {
      import("./play/hlsengine.ts").catch(() => undefined);
    }
  }

  /** With sound if the browser lets us, else muted, which it always lets us. */
  private async play(): Promise<void> {
    try {
      await this.video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") {
        return;
      }
      this.video.muted = true;
      this.emit("mute", {});
      await this.video.play().catch(() => this.setState("playing", "Press play to start."));
    }
  }

  private readonly onPlaying = (): void => {
    if (this.joinTime === null) {
      this.joinTime = Math.round(performance.now() - this.begun);
      this.emit("firstframe", { joinTime: this.joinTime });
      this.provision = setTimeout(() => this.prepareFallback(), provisionDelay);
    }
    this.setState("playing", "");
  };

  private setState(state: PlayerState, message: string): void {
    if (this.state === state && this.message === message) {
      return;
    }
    this.state = state;
    this.message = message;
    this.emit("statechange", { state, message });
  }

  private emit(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  private measureClock(): void {
    this.clock.measure().catch(() => undefined);
  }
}

const noStats: EngineStats = {
  carrier: null,
  draft: null,
  latency: null,
  latencySource: null,
  bufferAhead: 0,
  buffer: { video: null, audio: null },
  targetBuffer: 0,
  needed: { video: null, audio: null },
  jitter: null,
  bitrate: 0,
  receivedBytes: 0,
  droppedGroups: 0,
  stalls: 0,
  stallTime: 0,
  jumps: 0,
  reconnects: 0,
  videoCodec: null,
  audioCodec: null,
  swarm: null,
};
