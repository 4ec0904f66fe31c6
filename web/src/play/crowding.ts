/** What a full server says when it says nothing of when to come back, and the bounds of what is believed. */
const usually = 10_000;
const least = 1000;
const longest = 60_000;

/** Which edges said that they are full, and until when that is taken for so. */
export class Crowding {
  private readonly until = new Map<string, number>();

  constructor(private readonly random: () => number = Math.random) {}

  /**
   * An edge is full. Gives the milliseconds after which to ask it again, a little more or
   * less than it asked for, so that those whom it refused do not come back all at once.
   */
  note(edge: string | undefined, retryAfter: number | undefined, now: number): number {
    const wait = Math.min(longest, Math.max(least, retryAfter ?? usually)) * (0.75 + this.random() / 2);
    if (edge !== undefined) {
      this.until.set(edge, now + wait);
    }
    return wait;
  }

  /** Whether one of these edges may have room. */
  roomElsewhere(edges: readonly string[], now: number): boolean {
    return edges.some((edge) => (this.until.get(edge) ?? 0) <= now);
  }
}

export function fullMessage(wait: number): string {
  return `The server takes no more viewers now. Trying again in ${Math.ceil(wait / 1000)} s…`;
}
