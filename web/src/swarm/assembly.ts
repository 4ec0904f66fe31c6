import { WireError } from "../wire/varint.ts";
import type { PiecePart } from "./peermessage.ts";
import type { PieceID } from "./piece.ts";

interface Unfinished {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each part that came lies. */
  readonly parts: { readonly start: number; readonly end: number }[];
  missing: number;
}

/** Pieces of one peer that may be on their way at once: the channel is unordered, and no sub-stream is so far ahead. */
const maxUnfinished = 64;
const maxParts = 8;

/** Puts the pieces of one peer together; what it holds is bounded by 64 pieces of 32 KiB. A rule that is broken is a WireError. */
export class PieceAssembly {
  private readonly unfinished = new Map<string, Unfinished>();

  /** The piece when this was its last part. */
  add({ id, offset, size, bytes }: PiecePart): Uint8Array<ArrayBuffer> | undefined {
    const key = keyOf(id);
    const piece = this.unfinished.get(key) ?? this.begin(key, size);
    const part = { start: offset, end: offset + bytes.length };
    const wrong = piece.bytes.length !== size || piece.parts.some(({ start, end }) => start < part.end && part.start < end);
    if (wrong || piece.parts.length >= maxParts) {
      throw new WireError("a part that does not fit those before");
    }
    piece.parts.push(part);
    piece.bytes.set(bytes, offset);
    piece.missing -= bytes.length;
    if (piece.missing > 0) {
      return undefined;
    }
    this.unfinished.delete(key);
    return piece.bytes;
  }

  private begin(key: string, size: number): Unfinished {
    if (this.unfinished.size >= maxUnfinished) {
      throw new WireError("too many pieces begun");
    }
    const piece = { bytes: new Uint8Array(size), parts: [], missing: size };
    this.unfinished.set(key, piece);
    return piece;
  }
}

function keyOf({ g, n }: PieceID): string {
  return `${g}/${n}`;
}
