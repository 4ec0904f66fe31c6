import type { Inlet } from "../play/trackfeed.ts";

/** Groups of which something is still remembered. */
const maxGroups = 16;

interface Group {
  readonly delivered: Set<number>;
  /** Chunks that it has in all, once that is known. */
  total: number | undefined;
}

/** Hands whole chunks to the player, and tells it of the beginning and the end of their groups. */
export class ChunkFeed {
  private readonly groups = new Map<number, Group>();

  constructor(private readonly inlet: Inlet) {}

  /** A beacon spoke of the group. */
  open(group: number): void {
    if (!this.groups.has(group)) {
      this.groups.set(group, { delivered: new Set(), total: undefined });
      this.inlet.open(group);
      this.forget();
    }
  }

  push(group: number, chunk: number, payload: Uint8Array<ArrayBuffer>): void {
    this.inlet.push(group, chunk, payload);
    this.groups.get(group)?.delivered.add(chunk);
    this.settle(group);
  }

  /** The group has so many chunks. */
  end(group: number, total: number): void {
    const its = this.groups.get(group);
    if (its) {
      its.total = total;
      this.settle(group);
    }
  }

  private settle(group: number): void {
    const its = this.groups.get(group);
    if (its && its.delivered.size === its.total) {
      this.groups.delete(group);
      this.inlet.end(group, true);
    }
  }

  /** Playback has left the oldest behind long ago. */
  private forget(): void {
    for (const group of this.groups.keys()) {
      if (this.groups.size <= maxGroups) {
        return;
      }
      this.groups.delete(group);
      this.inlet.end(group, false);
    }
  }
}
