import { BeaconError, endOf, type Beacon } from "./beacon.ts";

/** How many beacons are remembered: 17 s of 60 pictures a second. */
export const beaconWindow = 1024;

/** Holds the newest verified beacons of a track. */
export class BeaconWindow {
  /** By group, each in the order of its chunks, which is that of its pieces. */
  private readonly groups = new Map<number, Beacon[]>();
  private count = 0;
  /** What is before this place has left; what comes late is too old. */
  private floor = { group: 0, chunk: 0, piece: 0 };

  /** The beacon of a chunk. */
  chunk(group: number, chunk: number): Beacon | undefined {
    const list = this.groups.get(group) ?? [];
    const b = list[lowerBound(list, (b) => b.chunk >= chunk)];
    return b?.chunk === chunk ? b : undefined;
  }

  /** The beacon that speaks of a piece. */
  piece(group: number, n: number): Beacon | undefined {
    const list = this.groups.get(group) ?? [];
    const b = list[lowerBound(list, (b) => endOf(b) > n)];
    return b && b.first <= n ? b : undefined;
  }

  /** Whether a chunk is from before the window. */
  left(group: number, chunk: number): boolean {
    return group < this.floor.group || (group === this.floor.group && chunk < this.floor.chunk);
  }

  /** Whether a piece is from before the window. */
  gone(group: number, n: number): boolean {
    return group < this.floor.group || (group === this.floor.group && n < this.floor.piece);
  }

  /**
   * Remembers a verified beacon whose chunk is not known yet, and forgets the oldest
   * if there are too many. Throws BeaconError "first".
   */
  add(b: Beacon): void {
    const list = this.groups.get(b.group) ?? [];
    const i = lowerBound(list, (other) => other.chunk >= b.chunk);
    if (!fits(list[i - 1], b, list[i])) {
      throw new BeaconError("first", `chunk ${b.chunk} of group ${b.group} begins with piece ${b.first}`);
    }
    list.splice(i, 0, b);
    this.groups.set(b.group, list);
    if (++this.count > beaconWindow) {
      this.forget();
    }
  }

  private forget(): void {
    const oldest = Math.min(...this.groups.keys());
    const list = this.groups.get(oldest) ?? [];
    const b = list.shift();
    if (b) {
      this.floor = { group: b.group, chunk: b.chunk + 1, piece: endOf(b) };
      this.count--;
    }
    if (list.length === 0) {
      this.groups.delete(oldest);
    }
  }
}

/** The first index for which holds is true, which then stays true. */
function lowerBound(list: readonly Beacon[], holds: (b: Beacon) => boolean): number {
  let lo = 0;
  let hi = list.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    const b = list[mid];
    if (b && holds(b)) {
      hi = mid;
    } else {
      lo = mid + 1;
    }
  }
  return lo;
}

/**
 * Whether the numbers of a chunk's pieces go with those of the chunks that are known
 * beside it. Pieces are numbered without a hole; object IDs rise, and mostly by one.
 */
function fits(before: Beacon | undefined, b: Beacon, after: Beacon | undefined): boolean {
  if (b.chunk === 0 && b.first !== 0) {
    return false;
  }
  return (!before || follows(before, b)) && (!after || follows(b, after));
}

function follows(a: Beacon, b: Beacon): boolean {
  return b.chunk === a.chunk + 1 ? b.first === endOf(a) : b.first >= endOf(a);
}
