import type { EngineStats } from "./engine.ts";
import { StallMeter } from "./stallmeter.ts";

const interval = 100;

type Measured = Pick<
  EngineStats,
  "carrier" | "draft" | "latency" | "latencySource" | "bufferAhead" | "buffer" | "droppedGroups" | "stalls" | "stallTime" | "jumps"
>;

/** What can be seen of HLS playback on the element itself. */
export class HlsMeter {
  private readonly stalls = new StallMeter();
  private timer: ReturnType<typeof setInterval> | undefined;
  private started = false;
  private seeks = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    /** Wall clock of the picture shown, from PROGRAM-DATE-TIME. */
    private readonly playingDate: () => Date | null,
  ) {}

  start(): void {
    this.video.addEventListener("playing", this.onPlaying);
    this.video.addEventListener("seeking", this.onSeeking);
    this.timer = setInterval(() => this.sample(), interval);
  }

  stop(): void {
    this.video.removeEventListener("playing", this.onPlaying);
    this.video.removeEventListener("seeking", this.onSeeking);
    clearInterval(this.timer);
  }

  stats(serverNow: number): Measured {
    const date = this.started ? this.playingDate() : null;
    const ahead = this.ahead();
    return {
      carrier: null,
      draft: null,
      latency: date ? Math.round(serverNow - date.getTime()) : null,
      latencySource: "program-date-time",
      bufferAhead: ahead,
      buffer: { video: ahead, audio: ahead },
      droppedGroups: 0,
      stalls: this.stalls.count,
      stallTime: Math.round(this.stalls.duration),
      jumps: this.seeks,
    };
  }

  private readonly onPlaying = (): void => {
    this.started = true;
  };

  private readonly onSeeking = (): void => {
    this.seeks += this.started ? 1 : 0;
  };

  private sample(): void {
    const { video } = this;
    const expected = this.started && !video.paused && !video.seeking && !video.ended;
    const starved = this.ahead() === 0;
    this.stalls.sample({ now: performance.now(), currentTime: video.currentTime, expected, starved });
  }

  private ahead(): number {
    const { buffered, currentTime } = this.video;
    const end = buffered.length > 0 ? buffered.end(buffered.length - 1) : currentTime;
    return Math.max(0, Math.round((end - currentTime) * 1000));
  }
}
