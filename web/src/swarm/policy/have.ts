// As relay/swarm/have.go.
import type { HaveMap } from "../peermessage.ts";
import type { PieceID } from "../piece.ts";
import type { Entry, GroupTable, Table } from "./table.ts";

/** Bounds of a have-map, as on the wire. */
const maxHaveMaps = 4;
export const maxHaveBits = 32 * 8;

export function mapHas(m: HaveMap, id: PieceID): boolean {
  if (m.g !== id.g || id.n < m.n) {
    return false;
  }
  const i = id.n - m.n;
  return i < m.bits.length * 8 && (((m.bits[i >> 3] ?? 0) >> (i & 7)) & 1) !== 0;
}

/** The newest pieces that are there, the newest group first. */
export function haveMaps(t: Table): HaveMap[] {
  const maps: HaveMap[] = [];
  for (let i = t.groups.length - 1; i >= 0 && maps.length < maxHaveMaps; i--) {
    const m = haveOf(t.groups[i]!);
    if (m.bits.length > 0) {
      maps.push(m);
    }
  }
  return maps;
}

function haveOf(g: GroupTable): HaveMap {
  let from = Math.max(0, g.pieces.length - maxHaveBits);
  while (from < g.pieces.length && !has(g.pieces[from])) {
    from++;
  }
  let to = g.pieces.length;
  while (to > from && !has(g.pieces[to - 1])) {
    to--;
  }
  const bits = new Uint8Array(Math.floor((to - from + 7) / 8));
  for (let i = from; i < to; i++) {
    if (has(g.pieces[i])) {
      const at = (i - from) >> 3;
      bits[at] = (bits[at] ?? 0) | (1 << ((i - from) & 7));
    }
  }
  return { g: g.id, n: g.base + from, bits };
}

export function has(e: Entry | undefined): e is Entry {
  return e !== undefined && e.have;
}

/** Keeps what a have-map may hold. */
export function bounded(maps: readonly HaveMap[]): HaveMap[] {
  return maps.slice(0, maxHaveMaps).map(({ g, n, bits }) => ({ g, n, bits: bits.slice(0, maxHaveBits / 8) }));
}
