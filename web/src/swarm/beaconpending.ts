import { endOf, type Beacon, type Bytes } from "./beacon.ts";

/** How long a piece waits for its beacon, which comes over another way, in ms. */
export const holdTime = 50;
/** Bounds what waits of one sender: a key frame of 200 kB. */
const senderBytes = 256 << 10;
/** Bounds what waits of all together. */
const allBytes = 4 << 20;
/** What the smallest piece counts for, so that they are not many. */
const leastCost = 4 << 10;

export interface HeldPiece {
  readonly from: number;
  readonly id: { readonly g: number; readonly n: number };
  readonly bytes: Bytes;
  /** When it came, in ms of the caller's clock. */
  readonly since: number;
}

/**
 * Holds pieces that no beacon speaks of yet. They are never passed on from here: who
 * holds them asks the verifier once their beacon has come.
 */
export class PendingPieces {
  private held: HeldPiece[] = [];

  /**
   * Holds a piece; false: as much waits as may, of this sender or of all. Of one sender
   * a piece is held once.
   */
  add(now: number, from: number, id: HeldPiece["id"], bytes: Bytes): boolean {
    const piece = { from, id, bytes, since: now };
    const mine = this.held.filter((h) => h.from === from);
    if (mine.some((h) => h.id.g === id.g && h.id.n === id.n)) {
      return false;
    }
    if (total(mine) + cost(piece) > senderBytes || total(this.held) + cost(piece) > allBytes) {
      return false;
    }
    this.held.push(piece);
    return true;
  }

  /** Lets go of the pieces that a beacon speaks of, for the caller to verify. */
  take(b: Beacon): HeldPiece[] {
    return this.release(({ id }) => id.g === b.group && id.n >= b.first && id.n < endOf(b));
  }

  /** Gives the pieces up whose beacon did not come in time. */
  expire(now: number): HeldPiece[] {
    return this.release((h) => now - h.since >= holdTime);
  }

  /** Forgets what a sender sent. */
  drop(from: number): void {
    this.release((h) => h.from === from);
  }

  private release(which: (h: HeldPiece) => boolean): HeldPiece[] {
    const out = this.held.filter(which);
    if (out.length > 0) {
      this.held = this.held.filter((h) => !out.includes(h));
    }
    return out;
  }
}

function cost({ bytes }: HeldPiece): number {
  return Math.max(bytes.length, leastCost);
}

function total(pieces: readonly HeldPiece[]): number {
  return pieces.reduce((sum, piece) => sum + cost(piece), 0);
}
