import { WireError } from "../wire/varint.ts";
import type { PiecePart } from "./peermessage.ts";
import type { PieceID } from "./piece.ts";

interface Partial {
  readonly bytes: Uint8Array<ArrayBuffer>;
  missing: number;
}

/** Pieces of one peer that may be on their way at once: the channel is unordered, and no sub-stream is so far ahead. */
const maxPartial = 64;

/** Puts the pieces of one peer together; what it holds is bounded by 64 pieces of 32 KiB. */
export class PieceAssembly {
  private readonly partial = new Map<string, Partial>();

  /** The piece when this was its last part. Parts do not overlap: a peer whose parts do has its piece refused by its hash. */
  add({ id, offset, size, bytes }: PiecePart): Uint8Array<ArrayBuffer> | undefined {
    if (bytes.length === size) {
      return bytes.slice();
    }
    const key = keyOf(id);
    const piece = this.partial.get(key) ?? this.begin(key, size);
    if (piece.bytes.length !== size) {
      throw new WireError(`piece of ${piece.bytes.length} bytes is of ${size} in its next part`);
    }
    piece.bytes.set(bytes, offset);
    piece.missing -= bytes.length;
    if (piece.missing > 0) {
      return undefined;
    }
    this.partial.delete(key);
    return piece.bytes;
  }

  private begin(key: string, size: number): Partial {
    if (this.partial.size >= maxPartial) {
      throw new WireError("too many pieces begun");
    }
    const piece = { bytes: new Uint8Array(size), missing: size };
    this.partial.set(key, piece);
    return piece;
  }
}

function keyOf({ g, n }: PieceID): string {
  return `${g}/${n}`;
}
