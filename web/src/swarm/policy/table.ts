// As relay/swarm/table.go.
import { type PieceID, less } from "../piece.ts";
import { second } from "./time.ts";

const maxGroups = 16;
const maxGroupTable = 1 << 14;
const maxMissing = 1 << 13;
/** How long pieces stay known after their deadline. */
export const keep = 3 * second;
/** How long after its deadline a piece is still asked for: the player waits for it. */
export const giveUp = 2 * second;

/** A piece that a beacon told of. */
export interface Entry {
  readonly id: PieceID;
  readonly sub: number;
  readonly size: number;
  readonly pts: number;
  readonly seen: number;
  have: boolean;
  /** Its time for a gap pull has passed. */
  tried: boolean;
  pulled: number;
  /** Requests to the edge; hedgedAt is when the last one went. */
  hedges: number;
  hedge: number;
  hedgedAt: number;
}

export function newEntry(id: PieceID, sub: number, size: number, pts: number, seen: number): Entry {
  return { id, sub, size, pts, seen, have: false, tried: false, pulled: 0, hedges: 0, hedge: 0, hedgedAt: 0 };
}

/** The pieces of a group from base on; undefined is one of which no beacon has told. */
export interface GroupTable {
  readonly id: number;
  base: number;
  readonly pieces: (Entry | undefined)[];
}

/** The window of pieces that count. missing are those not there, as their beacons came; sweep takes out those that came since. */
export class Table {
  readonly groups: GroupTable[] = [];
  missing: Entry[] = [];

  group(id: number): GroupTable | undefined {
    return this.groups.find((group) => group.id === id);
  }

  find(id: PieceID): Entry | undefined {
    const g = this.group(id.g);
    return g && id.n >= g.base ? g.pieces[id.n - g.base] : undefined;
  }

  /** The first piece after all that are known. */
  next(): PieceID {
    const g = this.groups.at(-1);
    return g ? { g: g.id, n: g.base + g.pieces.length } : { g: 0, n: 0 };
  }

  /** Takes a piece in and says whether it is new. */
  add(e: Entry): boolean {
    if (this.missing.length >= maxMissing) {
      return false;
    }
    const g = this.group(e.id.g) ?? this.open(e.id);
    if (!g || !place(g, e)) {
      return false;
    }
    this.missing.push(e);
    return true;
  }

  /** Makes room for a group; older ones than the window holds stay out. */
  private open(first: PieceID): GroupTable | undefined {
    let at = this.groups.length;
    while (at > 0 && (this.groups[at - 1]?.id ?? 0) > first.g) {
      at--;
    }
    if (this.groups.length >= maxGroups) {
      if (at === 0) {
        return undefined;
      }
      this.groups.shift();
      at--;
    }
    const g: GroupTable = { id: first.g, base: first.n, pieces: [] };
    this.groups.splice(at, 0, g);
    return g;
  }

  /**
   * Forgets pieces with a PTS below pts, from the front of each group, and groups of
   * which nothing is left but the newest.
   */
  prune(pts: number): void {
    for (const g of this.groups) {
      let old = 0;
      while (old < g.pieces.length && (g.pieces[old]?.pts ?? -Infinity) < pts) {
        old++;
      }
      g.pieces.splice(0, old);
      g.base += old;
    }
    while (this.groups.length > 1 && this.groups[0]?.pieces.length === 0) {
      this.groups.shift();
    }
  }

  /** Takes out of missing what is there, and what is before pts. */
  sweep(pts: number): void {
    this.missing = this.missing.filter((e) => !e.have && e.pts >= pts);
  }

  /** The first piece of sub that is not there and not asked of the edge; next when there is none. */
  firstMissing(sub: number): PieceID {
    let first = this.next();
    for (const e of this.missing) {
      if (e.sub === sub && !e.have && e.hedges === 0 && less(e.id, first)) {
        first = e.id;
      }
    }
    return first;
  }
}

function place(g: GroupTable, e: Entry): boolean {
  const { n } = e.id;
  if (g.pieces.length === 0) {
    g.base = n;
  }
  if (n < g.base) {
    const more = g.base - n;
    if (more + g.pieces.length > maxGroupTable) {
      return false;
    }
    g.pieces.unshift(...Array<undefined>(more).fill(undefined));
    g.base = n;
  }
  const i = n - g.base;
  if (i >= maxGroupTable) {
    return false;
  }
  while (g.pieces.length <= i) {
    g.pieces.push(undefined);
  }
  if (g.pieces[i]) {
    return false;
  }
  g.pieces[i] = e;
  return true;
}
