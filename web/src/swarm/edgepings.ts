/** Milliseconds between pings: while pieces go to peers, when a line that is full must be noticed soon, and otherwise. */
const busyInterval = 500;
const idleInterval = 5000;
/** A piece that went to a peer counts for so long. */
const busyFor = 2000;
/** Pings without an answer that are remembered. */
const maxOpen = 8;

/** The pings to the edge; times in milliseconds. */
export class EdgePings {
  private next = 1;
  private at = -Infinity;
  private pushedAt = -Infinity;
  private readonly open = new Map<number, number>();

  /** A piece went to a peer. */
  notePush(now: number): void {
    this.pushedAt = now;
  }

  /** The number of a ping whose time has come. */
  due(now: number): number | undefined {
    if (now - this.at < (now - this.pushedAt < busyFor ? busyInterval : idleInterval)) {
      return undefined;
    }
    if (this.open.size >= maxOpen) {
      this.open.clear(); // An edge of before pings answers none.
    }
    this.at = now;
    this.open.set(this.next, now);
    return this.next++;
  }

  /** When the ping was sent that is answered; undefined: there is none. */
  answered(id: number): number | undefined {
    const sent = this.open.get(id);
    this.open.delete(id);
    return sent;
  }
}
