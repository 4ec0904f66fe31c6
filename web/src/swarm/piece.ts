// As relay/swarm/piece.go.

/** The edge feeds what no peer does. */
export const edge = 0;

/** Names a piece of the swarm's track: n is its running number in the group, over all chunks. */
export interface PieceID {
  readonly g: number;
  readonly n: number;
}

/** Whether p was made before q. */
export function less(p: PieceID, q: PieceID): boolean {
  return p.g < q.g || (p.g === q.g && p.n < q.n);
}

/**
 * The sub-stream of a piece among k. Any k pieces from a multiple of k on lie in k
 * sub-streams; the group and the row shift them, so that neither the key frame nor a
 * period of frame types stays with one.
 */
export function subOf({ g, n }: PieceID, k: number): number {
  return ((g % k) + n + Math.floor(n / k)) % k;
}
