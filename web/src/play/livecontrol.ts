import type { Kind } from "../media/catalog.ts";
import { AdaptiveTarget } from "./adaptivetarget.ts";
import { Arrivals } from "./arrivals.ts";
import type { PlayerConfig } from "./config.ts";
import { RateController } from "./rate.ts";
import { StallMeter } from "./stallmeter.ts";

/** Seconds that must be buffered before the picture starts. */
const startBuffer = 0.2;
/** Behind the target by more, the live edge is jumped to. */
const hopeless = 1.2;
/** For so long (milliseconds) after the start, when media still comes in a burst, less is enough. */
const burst = 1500;
const burstSurplus = 0.4;
/** Less (seconds) is as good as nothing: decoders hold some pictures. */
const dry = 0.2;
/** A start of a range is seldom met exactly. */
const epsilon = 0.01;
/**
 * Sound comes in chunks of about this length (seconds), and ends as much earlier
 * just before the next one. That is no reason to hold the picture back: the
 * distance that counts is the picture's, as long as sound is no further behind.
 */
const soundStep = 0.1;
/** What a stall adds to the target, up to the limit; calm takes it away again. */
const stallPenalty = 0.1;
const maxPenalty = 1;
const forgivenessPerSecond = 0.005;
/** HTMLMediaElement.HAVE_FUTURE_DATA: less, and there is no next picture. */
const haveFutureData = 3;

/** Behind a pace by more (seconds), it is come to faster: for a while rates are heard a little. */
const paceHurry = 0.1;
const hurriedRate = 0.9;
/** Seconds by which playback may start ahead of its pace: decoders run up from the key frame. */
const startAhead = 0.15;

/** How far behind the live edge, by its clock, everybody plays; instead of a buffer as small as may be. */
export interface Pace {
  /** Seconds. */
  readonly delay: number;
  /** The media time (seconds) of the live edge; undefined while unknown. */
  edge(now: number): number | undefined;
}

/**
 * Keeps a live video element close to the edge of its buffer: starts it, holds
 * its distance by the playback rate, jumps over gaps and back to the edge.
 */
export class LiveControl {
  readonly stalls = new StallMeter();
  /** Stalls that began with next to nothing buffered; the others are the machine's. */
  dryStalls = 0;
  jumps = 0;
  started = false;
  /** Seconds. */
  ahead = 0;
  private penalty = 0;
  private jumpsAtStall = 0;
  private startedAt = 0;
  private last: number | undefined;
  private arrivals = new Arrivals();
  private readonly adaptive: AdaptiveTarget | undefined;
  /** The element had its next picture at the last tick. */
  private supplied = false;
  private readonly rate: RateController;
  private readonly hurry: RateController;
  /** Set from outside, at any time: the rate brings playback to it. */
  pace: Pace | undefined;
  private now = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly config: PlayerConfig,
    private readonly onStart: () => void,
    /** The end of the media of any track, in seconds. */
    private readonly mediaEnd: () => number | undefined,
  ) {
    this.rate = new RateController({ minimum: config.minimumRate, maximum: config.maximumRate });
    this.hurry = new RateController({ minimum: Math.min(hurriedRate, config.minimumRate), maximum: config.maximumRate });
    this.adaptive = config.targetBuffer === "adaptive" ? new AdaptiveTarget() : undefined;
  }

  /** Seconds of buffer to hold. */
  get target(): number {
    const { targetBuffer } = this.config;
    if (this.pace) {
      return Math.max(this.pace.delay, this.adaptive ? 0 : Number(targetBuffer) / 1000) + this.penalty;
    }
    return (this.adaptive?.value ?? Number(targetBuffer) / 1000) + this.penalty;
  }

  /** Of the arrivals, in seconds; undefined before the first. */
  jitter(now: number): number | undefined {
    return this.arrivals.jitter(now);
  }

  /** What the arrivals of a track ask for, in seconds. */
  neededBy(kind: Kind, now: number): number | undefined {
    return this.arrivals.needOf(kind, now);
  }

  /** A chunk went in, to be decoded and displayed at these times (seconds). What comes in the burst of the start is old. */
  noteArrival(kind: Kind, decode: number, display: number, now: number): void {
    if (this.started && now - this.startedAt >= burst) {
      this.arrivals.note(kind, decode, display, now);
    }
  }

  /** To be called about ten times a second; now in milliseconds, live: media is being sent. */
  tick(now: number, live: boolean): void {
    const elapsed = this.last === undefined ? 0 : (now - this.last) / 1000;
    this.last = now;
    this.now = now;
    const ranges = rangesOf(this.video.buffered);
    if (!this.started) {
      this.start(ranges, now);
      return;
    }
    const time = this.video.currentTime;
    const here = rangeAt(ranges, time);
    this.ahead = here ? here.end - time : 0;
    this.countStalls(now, elapsed, live);
    this.adapt(now, time, elapsed, live);
    this.follow(ranges, time, elapsed, now - this.startedAt < burst ? burstSurplus : hopeless);
  }

  /** The source was replaced: the next tick with media starts anew. */
  restart(): void {
    this.started = false;
    this.resetRates();
    this.arrivals = new Arrivals();
  }

  /** What is missing was lost, not late: a larger buffer would not help. */
  noteLoss(): void {
    this.jumpsAtStall = -1;
  }

  private start(ranges: Range[], now: number): void {
    const range = ranges.at(-1);
    if (!range || range.end - range.start < startBuffer) {
      return;
    }
    this.started = true;
    this.startedAt = now;
    // Half of the target comes in while the decoder runs up from the key frame.
    const behind = this.pace ? this.target - startAhead : this.target / 2;
    this.video.currentTime = Math.max(range.start + epsilon, range.end - behind);
    this.onStart();
  }

  private adapt(now: number, time: number, elapsed: number, live: boolean): void {
    const { video } = this;
    const supplied = video.readyState >= haveFutureData;
    if (this.supplied && !supplied && live && !video.paused && !video.seeking) {
      this.adaptive?.alarm();
    }
    this.supplied = supplied;
    this.arrivals.noteEdge(time + this.distance(time), now);
    this.adaptive?.update(this.arrivals.need(now), elapsed);
  }

  /** How much nearer to the live edge than its pace playback is, in seconds; undefined without a pace, or before the start. */
  get lead(): number | undefined {
    return this.pace && this.started ? this.pace.delay - this.distance(this.video.currentTime) : undefined;
  }

  /** From a time to the edge that counts, in seconds. */
  private distance(time: number): number {
    const edge = this.pace?.edge(this.now);
    if (edge !== undefined) {
      return edge - time;
    }
    const picture = (this.mediaEnd() ?? time + this.ahead) - time;
    return Math.min(picture, this.ahead + soundStep);
  }

  private follow(ranges: Range[], time: number, elapsed: number, surplus: number): void {
    const { video } = this;
    const here = rangeAt(ranges, time);
    // A seek to where no media is would never end.
    if (video.paused || (video.seeking && here)) {
      this.resetRates();
      return;
    }
    const edge = ranges.at(-1)?.end ?? time;
    if (edge - time > this.target + surplus) {
      this.jump(Math.max(ranges.at(-1)?.start ?? 0, edge - this.target));
    } else if (this.ahead < 2 * epsilon || this.stalls.stalled) {
      this.leaveGap(ranges, time);
    } else {
      this.setRate(this.rateFor(this.distance(time), elapsed));
    }
  }

  /**
   * Over a gap, or back where all media lies behind: the server's clock was put
   * back. A single track that has ended is no reason to move.
   */
  private leaveGap(ranges: Range[], time: number): void {
    const next = ranges.find((range) => range.start > time);
    const end = this.mediaEnd() ?? time;
    if (next) {
      this.jump(next.start);
    } else if (end < time - hopeless) {
      const { start } = ranges.at(-1) ?? { start: end };
      this.jump(Math.max(start, end - this.target));
    }
  }

  private jump(to: number): void {
    this.jumps++;
    this.resetRates();
    this.video.currentTime = to + epsilon;
  }

  private resetRates(): void {
    this.rate.reset();
    this.hurry.reset();
  }

  /** Both controllers are kept up to date, so that changing over is smooth. */
  private rateFor(distance: number, elapsed: number): number {
    const usual = this.rate.update(distance, this.target, elapsed);
    const hurried = this.hurry.update(distance, this.target, elapsed);
    return this.pace && this.target - distance > paceHurry ? hurried : usual;
  }

  private setRate(rate: number): void {
    if (Math.abs(this.video.playbackRate - rate) > 0.005) {
      this.video.playbackRate = rate;
    }
  }

  /** Late media wants a larger buffer; against lost media, which is jumped over, none helps. */
  private countStalls(now: number, elapsed: number, live: boolean): void {
    const { video } = this;
    const before = this.stalls.stalled;
    const expected = live && !video.paused && !video.seeking && !video.ended;
    const starved = this.ahead === 0;
    if (this.stalls.sample({ now, currentTime: video.currentTime, expected, starved })) {
      this.jumpsAtStall = this.jumps;
      this.dryStalls += this.ahead < dry ? 1 : 0;
    }
    this.penalty = Math.max(0, this.penalty - forgivenessPerSecond * elapsed);
    if (before && !this.stalls.stalled && expected && this.jumps === this.jumpsAtStall) {
      this.penalty = Math.min(maxPenalty, this.penalty + stallPenalty);
    }
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function rangeAt(ranges: Range[], time: number): Range | undefined {
  return ranges.find((range) => time >= range.start - epsilon && time < range.end);
}

function rangesOf(buffered: TimeRanges): Range[] {
  return Array.from({ length: buffered.length }, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
}
