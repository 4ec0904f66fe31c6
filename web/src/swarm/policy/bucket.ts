// As relay/swarm/bucket.go.
import { second } from "./time.ts";

/** Bounds the time that fills a bucket at once, so that nothing overflows 2^53. */
const maxGap = 10 * second;

/** A token bucket. Levels are in millionths of a bit: a rate in bit/s times microseconds needs no division. */
export class Bucket {
  level = 0;
  depth = 0;
  at = 0;

  /** Adds what rate gives since the last call; the depth is span's worth of rate, at least `least` bytes. */
  fill(now: number, rate: number, span: number, least: number): void {
    const gap = Math.min(now - this.at, maxGap);
    this.at = now;
    this.depth = Math.max(rate * span, least * 8 * second);
    this.level = Math.min(this.level + rate * gap, this.depth);
  }

  has(size: number): boolean {
    return this.level >= size * 8 * second;
  }

  /** Takes the bytes when they are there. */
  take(size: number): boolean {
    if (!this.has(size)) {
      return false;
    }
    this.level -= size * 8 * second;
    return true;
  }
}
