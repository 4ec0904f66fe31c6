/** Milliseconds between two estimates, and the least time with a queue that says something. */
const span = 1000;
const leastBusy = 20;
const leastBytes = 16 << 10;
/** Share of a new measurement in the estimate. */
const weight = 0.3;

/**
 * Estimates the uplink, bit/s, by how fast what waits in the channels drains. While
 * nothing waits, the network takes all there is and says nothing about more, but what
 * it took in a second is the least that it can.
 */
export class UplinkMeter {
  /** 0: nothing is known. */
  estimate = 0;
  private last: { at: number; sent: number; queued: number } | undefined;
  private begun = 0;
  private sentAtBegin = 0;
  private busy = 0;
  private drained = 0;

  /** sent: bytes handed to all channels so far, queued: what of it still waits. True: the estimate is new. */
  sample(now: number, sent: number, queued: number): boolean {
    const { last } = this;
    this.last = { at: now, sent, queued };
    if (!last) {
      this.begun = now;
      this.sentAtBegin = sent;
      return false;
    }
    if (last.queued > 0 && queued > 0) {
      this.busy += now - last.at;
      this.drained += Math.max(0, last.queued + sent - last.sent - queued);
    }
    return now - this.begun >= span && this.conclude(now, sent - queued);
  }

  private conclude(now: number, gone: number): boolean {
    const before = this.estimate;
    if (this.busy >= leastBusy && this.drained >= leastBytes) {
      const measured = (this.drained * 8000) / this.busy;
      this.estimate += this.estimate === 0 ? measured : weight * (measured - this.estimate);
    }
    this.estimate = Math.max(this.estimate, ((gone - this.sentAtBegin) * 8000) / (now - this.begun));
    this.begun = now;
    this.sentAtBegin = gone;
    this.busy = this.drained = 0;
    return Math.round(this.estimate) !== Math.round(before);
  }
}
