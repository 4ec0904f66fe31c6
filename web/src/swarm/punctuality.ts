/** Milliseconds between two ticks from which on the page itself was held up. */
const longest = 70;

/**
 * Knows when the page was held up, by the time between its ticks. What was measured across
 * that is the machine's doing, not the network's.
 */
export class Punctuality {
  private at: number | undefined;
  private lateAt = -Infinity;

  /** To be called every 40 milliseconds. */
  tick(now: number): void {
    if (this.late(now)) {
      this.lateAt = now;
    }
    this.at = now;
  }

  /** Whether the page was held up at any time from `since` on. */
  lateSince(since: number, now: number): boolean {
    return this.lateAt >= since || this.late(now);
  }

  private late(now: number): boolean {
    return this.at !== undefined && now - this.at > longest;
  }
}
