/** Milliseconds without anything from the edge that are nothing yet, whatever is usual. */
const least = 300;
/** Longer than so many of the longest usual gaps is silence. */
const factor = 2;
/** A gap beyond this is no habit of the stream. */
const mostUsual = 1000;
/** The longest usual gap is forgotten by this share with each arrival. */
const forgetting = 0.01;
/** The first doubt is followed by others after this long, and twice as long each time. */
const firstPause = 1000;
const longestPause = 30_000;

/**
 * Notices when an edge that sent all the time sends nothing: it is gone, or the encoder
 * is. Times in milliseconds.
 */
export class Silence {
  private last: number | undefined;
  private usual = 0;
  private pause = firstPause;
  private nextDoubt = 0;

  /** Something came. */
  note(now: number): void {
    const gap = now - (this.last ?? now);
    this.last = now;
    this.usual -= this.usual * forgetting;
    if (gap <= mostUsual) {
      this.usual = Math.max(this.usual, gap);
    }
    this.pause = firstPause;
    this.nextDoubt = 0;
  }

  /** Whether something came after a time. */
  brokenSince(time: number): boolean {
    return this.last !== undefined && this.last > time;
  }

  /** A new connection: nothing is expected of it yet. */
  reset(): void {
    this.last = undefined;
    this.pause = firstPause;
    this.nextDoubt = 0;
  }

  /** Whether it is time to ask if the edge is there; seldomer and seldomer while it is silent. */
  doubtful(now: number): boolean {
    if (this.last === undefined || now - this.last < Math.max(least, factor * this.usual) || now < this.nextDoubt) {
      return false;
    }
    this.nextDoubt = now + this.pause;
    this.pause = Math.min(longestPause, 2 * this.pause);
    return true;
  }
}
