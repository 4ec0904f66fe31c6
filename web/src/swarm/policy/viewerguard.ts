// As relay/swarm/viewer_guard.go.
import { edge } from "../piece.ts";
import { second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { setParent, stopTrial, unsub } from "./viewersubs.ts";

/** Over how many seconds hedged bytes are counted; above the percentage the sub-stream goes to the edge. */
export const breakerSpan = 5;
const breakerPercent = 15;
/** How many hedged pieces count: a parent that is gone is left before it makes as many. */
const breakerLeast = 3;
/** Doubles with each trip, at most maxTrips times. */
const retryTime = 10 * second;
const maxTrips = 5;
/** How long the viewer's breaker keeps it on the edge; then a sub-stream is tried every carefulTime. */
const viewerTime = 30 * second;
const carefulTime = 4 * second;

/** The viewer's breaker. */
export class Guard {
  /** careful counts the sub-streams to be tried one at a time, nextAt when. */
  constructor(
    readonly until = 0,
    private careful = 0,
    private nextAt = 0,
  ) {}

  allows(now: number): boolean {
    return now >= this.until && (this.careful === 0 || now >= this.nextAt);
  }

  started(now: number): void {
    if (this.careful > 0) {
      this.careful--;
      this.nextAt = now + carefulTime;
    }
  }
}

/** The picture stood still. If peers had a part in it they are left. */
export function stall(v: Viewer): void {
  v.report.stalls++;
  if (v.subs.some(({ parent }) => parent !== edge)) {
    fuse(v);
  }
}

/** The viewer's breaker: edge only for a time. */
function fuse(v: Viewer): void {
  v.guard = new Guard(v.now + viewerTime, v.subs.length, v.now + viewerTime);
  v.subs.forEach((_, sub) => toEdge(v, sub));
}

/** Takes a sub-stream to the edge at once, from what is missing on. */
export function toEdge(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  stopTrial(v, sub);
  if (s.parent === edge) {
    return;
  }
  unsub(v, s.parent, sub);
  const missing = v.table.firstMissing(sub);
  v.feedAgain(missing);
  setParent(v, sub, edge, missing);
}

/** Looks at a sub-stream's share of hedges. */
export function trip(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  const due = sum(s.due);
  if (s.parent === edge || sum(s.hedges) < breakerLeast || sum(s.hedged) * 100 <= due * breakerPercent) {
    return;
  }
  toEdge(v, sub);
  tripped(v, sub);
}

/** Notes when the sub-stream may try a peer again; half of them at a time trip the viewer's breaker. */
export function tripped(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  s.retry = v.now + retryTime * 2 ** Math.min(s.trips, maxTrips);
  s.trips++;
  const open = v.subs.filter(({ retry }) => retry > v.now).length;
  if (open >= 2 && 2 * open >= v.subs.length) {
    fuse(v);
  }
}

/** Moves the seconds on; a sub-stream that has done well for a minute starts from the shortest retry again. */
export function ageBreakers(v: Viewer): void {
  for (const s of v.subs) {
    s.due = [0, ...s.due.slice(0, -1)];
    s.hedged = [0, ...s.hedged.slice(0, -1)];
    s.hedges = [0, ...s.hedges.slice(0, -1)];
    if (s.trips > 0 && s.parent !== edge && v.now - s.since > 60 * second) {
      s.trips = 0;
    }
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
