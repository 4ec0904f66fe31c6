// As relay/swarm/random.go.

/** mulberry32: it only breaks ties; nothing rests on its quality. */
export class Random {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From 0 to n-1. */
  below(n: number): number {
    return this.next() % n;
  }
}
