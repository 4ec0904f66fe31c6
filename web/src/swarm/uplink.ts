/** Milliseconds over which one sample is taken. */
const span = 1000;
/** With a queue for less time, or with fewer bytes, a sample says how a burst began, not what the line can do. */
const leastBusy = 100;
const leastBytes = 48 << 10;
/** Between two looks that are further apart the page itself was held up. */
const punctual = 100;
/** What the policy takes an uplink for that is not known, bit/s. */
const assumed = 5_000_000;
/** The best of so many milliseconds counts: less was the other end's, or the machine's, or other traffic's. */
const memory = 30_000;

/**
 * Estimates the uplink, bit/s, by how fast what waits in the channels drains. While
 * nothing waits, the network takes all there is and says nothing about what it could.
 * A viewer gives at most a share of what its line is thought to be able to: a line as good
 * as that is busy for that share of the time. Bursts that drain slowly in less time say
 * that somebody was late, a machine or the other end, and not that the line is slower.
 */
export class UplinkMeter {
  private last: { at: number; sent: number; queued: number } | undefined;
  private samples: { at: number; rate: number }[] = [];
  private begun = 0;
  private busy = 0;
  private drained = 0;

  /** share: the part of the uplink that may be used. */
  constructor(private readonly share: number) {}

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
      const rate = (this.drained * 8000) / this.busy;
      if (rate >= (before || assumed) || this.busy > this.share * (now - this.begun)) {
        this.samples = this.samples.filter(({ at }) => now - at < memory);
        this.samples.push({ at: now, rate });
      }
    }
    this.begun = now;
    this.busy = this.drained = 0;
    return this.estimate !== before;
  }
}
