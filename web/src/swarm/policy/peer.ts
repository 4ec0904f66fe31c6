// The neighbour of relay/swarm/viewer_peers.go and its round trip of viewer_upload.go.
import type { HaveMap } from "../peermessage.ts";
import { type PieceID, less } from "../piece.ts";
import { mapHas } from "./have.ts";
import type { Entry } from "./table.ts";
import { millisecond, second } from "./time.ts";

/** How long it counts that a neighbour had what was missing here. */
export const freshAhead = 2 * second;
const maxInflation = 50 * millisecond;

/** Follows a round trip: base is the least of the present and the last 10 s. */
export class RoundTrip {
  value = 0;
  base = 0;
  inflated = 0;
  private next = 0;
  private turnAt = 0;

  add(now: number, rtt: number): void {
    if (rtt <= 0) {
      return;
    }
    if (this.value === 0 || now - this.turnAt >= 20 * second) {
      this.base = this.next;
      this.next = rtt;
      this.turnAt = now;
    }
    this.value = rtt;
    this.next = Math.min(this.next, rtt);
    if (this.base === 0) {
      this.base = rtt;
    }
    this.base = Math.min(this.base, rtt);
    this.inflated = rtt - this.base > maxInflation ? this.inflated + 1 : 0;
  }
}

/** A piece that was asked of a neighbour. */
export interface Ask {
  readonly id: PieceID;
  readonly at: number;
}

/** A neighbour. */
export class Peer {
  open = false;
  openAt = 0;
  /** It said that it sends nothing any more. */
  left = false;
  prefix = 0;
  readonly rtt = new RoundTrip();

  have: HaveMap[] = [];
  /** When it last had pieces of a sub-stream that were missing here. */
  readonly aheadAt: number[];
  asked: Ask[] = [];
  asking: PieceID[] = [];

  /** The sub-streams it takes from here, from which piece on. */
  readonly children: boolean[];
  readonly from: PieceID[];
  readonly since: number[];
  queue: Entry[] = [];
  buffered = 0;

  promised = 0;
  delivered = 0;
  /** Thousandths, as is score. */
  faults = 0;
  bytes = 0;
  score = 40_000;

  constructor(
    readonly id: number,
    subs: number,
  ) {
    this.aheadAt = Array<number>(subs).fill(-freshAhead);
    this.children = Array<boolean>(subs).fill(false);
    this.from = Array<PieceID>(subs).fill({ g: 0, n: 0 });
    this.since = Array<number>(subs).fill(0);
  }

  /** It may be asked for something. */
  get usable(): boolean {
    return this.open && !this.left && this.score >= 0;
  }

  get child(): boolean {
    return this.children.includes(true);
  }

  has(id: PieceID): boolean {
    return this.have.some((m) => mapHas(m, id));
  }

  /** Counts the missing pieces of a sub-stream that it has. */
  covers(missing: readonly Entry[], sub: number): number {
    return missing.filter((e) => e.sub === sub && !e.have && this.has(e.id)).length;
  }

  answered(id: PieceID): void {
    this.asked = this.asked.filter((a) => !same(a.id, id));
  }

  cancel(ids: readonly PieceID[]): void {
    this.queue = this.queue.filter((e) => !ids.some((id) => same(id, e.id)));
  }

  drop(sub: number): void {
    this.children[sub] = false;
    this.queue = this.queue.filter((e) => e.sub !== sub);
  }

  /** Queues a piece for a child that has not got it. */
  offer(e: Entry): void {
    if (!this.has(e.id) && !this.queue.includes(e)) {
      this.queue.push(e);
    }
  }
}

export function same(a: PieceID, b: PieceID): boolean {
  return a.g === b.g && a.n === b.n;
}

/** Whether p was promised from `from` on. */
export function reached(p: PieceID, from: PieceID | undefined): boolean {
  return from === undefined || !less(p, from);
}
