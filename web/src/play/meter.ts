const window = 2000;

/** Bytes over the last two seconds. */
export class BitrateMeter {
  total = 0;
  private samples: { at: number; bytes: number }[] = [];

  add(bytes: number, now: number): void {
    this.total += bytes;
    const last = this.samples.at(-1);
    if (last && now - last.at < 100) {
      last.bytes += bytes;
    } else {
      this.samples.push({ at: now, bytes });
      this.expire(now);
    }
  }

  /** Bits a second. */
  rate(now: number): number {
    this.expire(now);
    const first = this.samples[0];
    if (!first) {
      return 0;
    }
    const bytes = this.samples.reduce((sum, sample) => sum + sample.bytes, 0);
    return (bytes * 8 * 1000) / Math.max(500, now - first.at);
  }

  private expire(now: number): void {
    this.samples = this.samples.filter((sample) => now - sample.at < window);
  }
}
