import { playlistUrl } from "./config.ts";
import type { Engine, EngineHost, EngineStats } from "./engine.ts";
import { HlsMeter } from "./hlsmeter.ts";

const retryInterval = 2000;

/** Safari's own element has a start date; the standard has not. */
interface DatedVideo extends HTMLVideoElement {
  getStartDate?(): Date;
}

export function nativeHlsSupported(video: HTMLVideoElement): boolean {
  return video.canPlayType("application/vnd.apple.mpegurl") !== "";
}

/** LL-HLS by the browser itself. */
export class NativeHlsEngine implements Engine {
  readonly name = "native-hls";
  private readonly meter: HlsMeter;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private reconnects = 0;

  constructor(private readonly host: EngineHost) {
    this.meter = new HlsMeter(host.video, () => this.playingDate());
  }

  start(): void {
    this.meter.start();
    this.host.video.addEventListener("error", this.onError);
    this.host.video.addEventListener("playing", this.onPlaying);
    this.load();
  }

  stop(): void {
    clearTimeout(this.retry);
    this.meter.stop();
    this.host.video.removeEventListener("error", this.onError);
    this.host.video.removeEventListener("playing", this.onPlaying);
    this.host.video.removeAttribute("src");
    this.host.video.load();
  }

  stats(): EngineStats {
    return {
      ...this.meter.stats(this.host.clock.now()),
      targetBuffer: 0,
      needed: { video: null, audio: null },
      jitter: null,
      bitrate: 0,
      receivedBytes: 0,
      reconnects: this.reconnects,
      videoCodec: null,
      audioCodec: null,
      swarm: null,
    };
  }

  private load(): void {
    this.host.video.src = playlistUrl(this.host.address, this.host.edges.current);
    this.host.play();
  }

  private readonly onPlaying = (): void => this.host.report("playing", "");

  private readonly onError = (): void => {
    this.reconnects++;
    this.host.report("waiting", `${this.host.address.name} is not live. Waiting for the encoder…`);
    this.retry = setTimeout(() => this.load(), retryInterval);
  };

  private playingDate(): Date | null {
    const start = (this.host.video as DatedVideo).getStartDate?.().getTime();
    return start === undefined || Number.isNaN(start) ? null : new Date(start + this.host.video.currentTime * 1000);
  }
}
