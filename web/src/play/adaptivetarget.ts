/** Seconds of buffer: at the start, and never more than this but after stalls; never less. */
const ceiling = 0.3;
const floor = 0.15;
/** Seconds beyond what arrivals ask for: decoders hold some pictures, and timers are late. */
const leastMargin = 0.08;
/** What playback that stood for want of a picture, however briefly, adds to the margin. */
const alarmMargin = 0.05;
const maxMargin = 0.2;
const forgivenessPerSecond = 0.002;
/** Seconds by which the target falls in a second: the rate that follows is not heard. */
const fallPerSecond = 0.03;

/**
 * The buffer to hold where none is asked for: what arrivals need and a margin. It
 * falls slowly and rises at once.
 */
export class AdaptiveTarget {
  /** Seconds. */
  value = ceiling;
  private margin = leastMargin;

  /** need: seconds, undefined while unknown; elapsed: seconds since the last call. */
  update(need: number | undefined, elapsed: number): void {
    this.margin = Math.max(leastMargin, this.margin - forgivenessPerSecond * elapsed);
    const wanted = need === undefined ? ceiling : Math.min(ceiling, Math.max(floor, need + this.margin));
    this.value = Math.max(wanted, this.value - fallPerSecond * elapsed);
  }

  /** The picture stood, for whatever reason: so little is too little here. */
  alarm(): void {
    this.margin = Math.min(maxMargin, this.margin + alarmMargin);
  }
}
