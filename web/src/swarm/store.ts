import { concat } from "../wire/writer.ts";
import type { Beacon, Bytes } from "./beacon.ts";

/** Chunks are kept so long (microseconds) behind the newest: what neighbours may still ask for. */
const keep = 5_000_000;
const maxBytes = 32 << 20;

interface Chunk {
  readonly pieces: (Bytes | undefined)[];
  missing: number;
  bytes: number;
}

/** Verified pieces of the last seconds, by the beacons that speak of them. */
export class PieceStore {
  private readonly chunks = new Map<Beacon, Chunk>();
  private newest = 0;
  private bytes = 0;

  /** Keeps a verified piece; the whole chunk when it was the last one missing. */
  put(beacon: Beacon, index: number, bytes: Bytes): Bytes | undefined {
    const chunk = this.chunks.get(beacon) ?? this.begin(beacon);
    if (chunk.pieces[index]) {
      return undefined;
    }
    chunk.pieces[index] = bytes;
    chunk.bytes += bytes.length;
    this.bytes += bytes.length;
    this.prune();
    return --chunk.missing === 0 ? concat(chunk.pieces.filter((piece) => piece !== undefined)) : undefined;
  }

  get(beacon: Beacon, index: number): Bytes | undefined {
    return this.chunks.get(beacon)?.pieces[index];
  }

  private begin(beacon: Beacon): Chunk {
    const count = beacon.sizes.length;
    const chunk = { pieces: Array<Bytes | undefined>(count).fill(undefined), missing: count, bytes: 0 };
    this.chunks.set(beacon, chunk);
    this.newest = Math.max(this.newest, beacon.pts);
    return chunk;
  }

  /** Chunks lie in the order in which they came, which is nearly that of their times. */
  private prune(): void {
    for (const [beacon, chunk] of this.chunks) {
      if (beacon.pts >= this.newest - keep && this.bytes <= maxBytes) {
        return;
      }
      this.chunks.delete(beacon);
      this.bytes -= chunk.bytes;
    }
  }
}
