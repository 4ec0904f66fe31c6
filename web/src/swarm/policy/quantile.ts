// As relay/swarm/quantile.go.
import { div } from "./time.ts";

const sampleCount = 32;

/** The latest 32 samples, microseconds. */
export class Window {
  private samples: number[] = [];
  private next = 0;

  get length(): number {
    return this.samples.length;
  }

  add(x: number): void {
    if (this.samples.length < sampleCount) {
      this.samples.push(x);
      return;
    }
    this.samples[this.next] = x;
    this.next = (this.next + 1) % sampleCount;
  }

  clear(): void {
    this.samples = [];
    this.next = 0;
  }

  /** The sample that q of 100 do not exceed, 0 without samples. */
  quantile(q: number): number {
    const sorted = [...this.samples].sort((a, b) => a - b);
    return sorted[div(sorted.length * q + 99, 100) - 1] ?? 0;
  }
}
