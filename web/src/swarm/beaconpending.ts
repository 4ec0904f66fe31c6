import { endOf, type Beacon, type Bytes } from "./beacon.ts";

/**
 * How long a piece waits for its beacon, which comes over another way, in ms: as long as it
 * may still be displayed. A beacon whose packet was lost is an answer's time behind; to
 * throw its piece away would cost a hedge, or a stall.
 */
export const holdTime = 2000;
/** Bounds what waits of one peer: a key frame of 200 kB. */
const senderBytes = 256 << 10;
/** Bounds what waits of all peers together. */
const peersBytes = 4 << 20;
/** Bounds what waits of the edge, which peers cannot crowd out: two seconds at 4 Mbit/s. */
const edgeBytes = 1 << 20;
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
   * Holds a piece; from: 0 for the edge; false: as much waits as may, of this sender or of
   * all peers. Of one sender a piece is held once.
   */
  add(now: number, from: number, id: HeldPiece["id"], bytes: Bytes): boolean {
    const piece = { from, id, bytes, since: now };
    const mine = this.held.filter((h) => h.from === from);
    if (mine.some((h) => h.id.g === id.g && h.id.n === id.n)) {
      return false;
    }
    const peers = from === 0 ? [] : this.held.filter((h) => h.from !== 0);
    if (total(mine) + cost(piece) > (from === 0 ? edgeBytes : senderBytes) || total(peers) + cost(piece) > peersBytes) {
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
