export interface PlaybackSample {
  /** Milliseconds. */
  readonly now: number;
  /** Seconds of media. */
  readonly currentTime: number;
  /** Should be playing: started, not paused, not seeking. */
  readonly expected: boolean;
  /** A track has run dry: the picture stands even where sound drives the time on. */
  readonly starved: boolean;
}

/** A picture that stands for longer is a stall. */
const threshold = 200;
const moved = 0.005;

function hasMoved(from: PlaybackSample, to: PlaybackSample): boolean {
  return Math.abs(to.currentTime - from.currentTime) > moved;
}

/**
 * Counts stalls as a viewer sees them: playback was under way, should go on, and
 * its time does not advance. Start-up and the player's own seeks are none.
 */
export class StallMeter {
  count = 0;
  /** Milliseconds in all stalls, the present one included. */
  duration = 0;
  private last: PlaybackSample | undefined;
  private still = 0;

  get stalled(): boolean {
    return this.still >= threshold;
  }

  /** True when a stall begins. */
  sample(sample: PlaybackSample): boolean {
    const { last } = this;
    this.last = sample;
    if (!last?.expected || !sample.expected || (!sample.starved && hasMoved(last, sample))) {
      this.still = 0;
      return false;
    }
    const before = this.still;
    this.still += sample.now - last.now;
    if (this.still < threshold) {
      return false;
    }
    this.duration += this.still - (before >= threshold ? before : 0);
    if (before >= threshold) {
      return false;
    }
    this.count++;
    return true;
  }
}
