/** Milliseconds over which one sample is taken. */
const span = 1000;
/** With a queue for less time, or with fewer bytes, a sample says how a burst began, not what the line can do. */
const leastBusy = 100;
const leastBytes = 48 << 10;
/** Between two looks that are further apart the page itself was held up. */
const punctual = 100;
/** The best of so many milliseconds counts: less was the other end's, or the machine's, or other traffic's. */
const memory = 30_000;

/**
 * Estimates the uplink, bit/s, by how fast what waits in the channels drains. While
 * nothing waits, the network takes all there is and says nothing about what it could.
 */
export class UplinkMeter {
  private last: { at: number; sent: number; queued: number } | undefined;
  private samples: { at: number; rate: number }[] = [];
  private begun = 0;
  private busy = 0;
  private drained = 0;

  /** 0: nothing is known. */
  get estimate(): number {
    return this.samples.reduce((best, { rate }) => Math.max(best, rate), 0);
  }

  /** sent: bytes handed to all channels so far, queued: what of it still waits. True: the estimate is new. */
  sample(now: number, sent: number, queued: number): boolean {
    const { last } = this;
    this.last = { at: now, sent, queued };
    if (!last) {
      this.begun = now;
      return false;
    }
    if (last.queued > 0 && queued > 0 && now - last.at <= punctual) {
      this.busy += now - last.at;
      this.drained += Math.max(0, last.queued + sent - last.sent - queued);
    }
    return now - this.begun >= span && this.conclude(now);
  }

  /** What was known stays known until something else is. */
  private conclude(now: number): boolean {
    const before = this.estimate;
    if (this.busy >= leastBusy && this.drained >= leastBytes) {
      this.samples = this.samples.filter(({ at }) => now - at < memory);
      this.samples.push({ at: now, rate: (this.drained * 8000) / this.busy });
    }
    this.begun = now;
    this.busy = this.drained = 0;
    return this.estimate !== before;
  }
}
