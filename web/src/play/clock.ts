const sampleCount = 5;

/**
 * The server's clock: local time plus the offset seen in the quickest of a few
 * requests, which is off by half of that request's asymmetry at most.
 */
export class ServerClock {
  private offset = 0;
  /** Of the quickest request, in milliseconds; undefined before the first. */
  roundTrip: number | undefined;

  constructor(
    /** Where to ask, which may change. */
    private readonly url: () => string,
    private readonly fetchText: (url: string) => Promise<string>,
    private readonly localNow: () => number = () => performance.timeOrigin + performance.now(),
  ) {}

  /** Unix milliseconds. */
  now(): number {
    return this.localNow() + this.offset;
  }

  async measure(): Promise<void> {
    let best: { offset: number; roundTrip: number } | undefined;
    for (let i = 0; i < sampleCount; i++) {
      const sample = await this.sample();
      if (!best || sample.roundTrip < best.roundTrip) {
        best = sample;
      }
    }
    if (best) {
      this.offset = best.offset;
      this.roundTrip = best.roundTrip;
    }
  }

  private async sample(): Promise<{ offset: number; roundTrip: number }> {
    const sent = this.localNow();
    const server = Number.parseFloat(await this.fetchText(this.url()));
    const received = this.localNow();
    if (!Number.isFinite(server)) {
      throw new Error("the server's time is no number");
    }
    return { offset: server - (sent + received) / 2, roundTrip: received - sent };
  }
}
