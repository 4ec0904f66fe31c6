// As relay/swarm/viewer_subs.go.
import { type PieceID, edge, less } from "../piece.ts";
import { type Peer, freshAhead } from "./peer.ts";
import { Window } from "./quantile.ts";
import type { Entry } from "./table.ts";
import { div, second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { breakerSpan, toEdge, trip, tripped } from "./viewerguard.ts";
import { peerOf } from "./viewerpeers.ts";
import { budget } from "./viewerpieces.ts";
import { fault } from "./viewerscore.ts";

/** How long a new parent has for its first piece. */
const trialTime = 2 * second;
/** How long an old parent goes on when the new way stays silent. */
const leaveTime = second;
/** How long the lag may be too long before the parent is left. */
const overTime = 2 * second;
/** In a row, they change the parent. */
const maxMisses = 3;
/** Within what time a second failing parent trips the breaker. */
const badTime = 30 * second;

/** Who brings one of the K. */
export class Substream {
  parent = edge;
  /** Where what parent promised starts, since when. */
  from: PieceID = { g: 0, n: 0 };
  since = 0;
  /** Was subscribed to and has not pushed yet. */
  trial = edge;
  trialFrom: PieceID = { g: 0, n: 0 };
  trialAt = 0;
  /** Goes on until the new way brings something. */
  leaving = edge;
  leavingAt = 0;
  /** Whom the edge assigned. */
  want = edge;

  misses = 0;
  readonly lags = new Window();
  /** Since when the lag is too long, -1 is not. */
  over = -1;

  /** When a parent was left for being slow or silent, 0 is never. */
  badAt = 0;

  /**
   * due and hedged are bytes in each of the last five seconds, hedges pieces: all that
   * were due, and those that the present parent failed to bring.
   */
  due: number[] = Array<number>(breakerSpan).fill(0);
  hedged: number[] = Array<number>(breakerSpan).fill(0);
  hedges: number[] = Array<number>(breakerSpan).fill(0);
  trips = 0;
  retry = 0;
}

/** Takes an edge's word on the tree. To be a parent needs no doing: the child subscribes. */
export function assign(v: Viewer, e: { readonly sub: number; readonly peer: number; readonly child: number }): void {
  const s = v.subs[e.sub];
  if (e.child !== edge || !s || (e.peer === v.self && v.self !== edge)) {
    return;
  }
  s.want = e.peer;
  pursue(v, e.sub);
}

/** Takes the next step towards the wanted parent. */
export function pursue(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  if (s.want === s.parent) {
    stopTrial(v, sub);
  } else if (s.want === edge) {
    stopTrial(v, sub);
    release(v, sub);
  } else if (s.want !== s.trial && mayTake(v, sub)) {
    const p = peerOf(v, s.want);
    if (p?.usable && !p.children[sub]) {
      stopTrial(v, sub);
      attempt(v, sub, p, v.table.next());
      v.guard.started(v.now);
    }
  }
}

/** Whether the sub-stream may come from a peer at present. */
function mayTake(v: Viewer, sub: number): boolean {
  return v.joined && v.mode !== "edge" && v.now >= v.subs[sub]!.retry && v.guard.allows(v.now) && v.table.groups.length > 0;
}

function attempt(v: Viewer, sub: number, p: Peer, from: PieceID): void {
  const s = v.subs[sub]!;
  s.trial = p.id;
  s.trialFrom = from;
  s.trialAt = v.now;
  v.do({ kind: "sub", peer: p.id, sub, id: from });
}

export function stopTrial(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  if (s.trial !== edge) {
    unsub(v, s.trial, sub);
    s.trial = edge;
  }
}

export function unsub(v: Viewer, peer: number, sub: number): void {
  if (peerOf(v, peer)?.open) {
    v.do({ kind: "unsub", peer, sub });
  }
}

/** Makes the trial the parent; who brought it before is told to stop. */
export function adopt(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  if (s.parent !== edge) {
    unsub(v, s.parent, sub);
  }
  if (s.leaving !== edge && s.leaving !== s.trial) {
    unsub(v, s.leaving, sub);
  }
  setParent(v, sub, s.trial, s.trialFrom);
  s.trial = s.leaving = edge;
}

export function setParent(v: Viewer, sub: number, parent: number, from: PieceID): void {
  const s = v.subs[sub]!;
  s.parent = parent;
  s.from = from;
  s.since = v.now;
  s.misses = 0;
  s.over = -1;
  s.lags.clear();
  s.hedged = Array<number>(breakerSpan).fill(0);
  s.hedges = Array<number>(breakerSpan).fill(0);
}

/** Goes to the edge in good order: the parent is left when the edge has brought a piece. */
function release(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  const from = v.table.next();
  v.feedAgain(from);
  if (s.leaving !== edge) {
    unsub(v, s.leaving, sub);
  }
  s.leaving = s.parent;
  s.leavingAt = v.now;
  setParent(v, sub, edge, from);
}

/** Leaves a parent that failed: a standby is asked at once, and the edge feeds until it has pushed. */
export function lose(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  const old = s.parent;
  unsub(v, old, sub);
  if (s.want === old) {
    s.want = edge;
  }
  const missing = v.table.firstMissing(sub);
  const next = mayTake(v, sub) && s.trial === edge ? standby(v, sub, old) : undefined;
  if (!next) {
    v.feedAgain(missing);
    setParent(v, sub, edge, missing);
    return;
  }
  const head = v.table.next();
  v.feedAgain(head);
  setParent(v, sub, edge, head);
  s.want = next.id;
  attempt(v, sub, next, missing);
}

/**
 * Chooses who may bring the sub-stream in place of old: a neighbour that lately had
 * pieces of it which were missing here, so it is no descendant.
 */
function standby(v: Viewer, sub: number, old: number): Peer | undefined {
  let best: Peer | undefined;
  for (const p of v.peers) {
    if (p.id === old || !p.usable || p.children[sub] || p.aheadAt[sub]! < v.now - freshAhead || crowded(v, p, sub)) {
      continue;
    }
    if (!best || p.covers(v.table.missing, sub) > best.covers(v.table.missing, sub)) {
      best = p;
    }
  }
  return best;
}

/**
 * With p, more than half of the sub-streams came from one prefix, or from more than two of
 * it. Those count that are about to.
 */
function crowded(v: Viewer, p: Peer, sub: number): boolean {
  let same = 1;
  const others = new Set<Peer>();
  v.subs.forEach((s, i) => {
    const kin = i === sub ? [] : [peerOf(v, s.parent), peerOf(v, s.trial)].filter((q) => q !== undefined && akin(p, q));
    if (kin.length > 0) {
      same++;
    }
    for (const q of kin) {
      if (q !== p) {
        others.add(q!);
      }
    }
  });
  return others.size > 1 || same > Math.max(1, div(v.subs.length, 2));
}

/** The two are one, or of one prefix. */
function akin(p: Peer, q: Peer | undefined): boolean {
  return q !== undefined && (q === p || (p.prefix !== 0 && q.prefix === p.prefix));
}

/** Watches over the sub-streams. */
export function tend(v: Viewer): void {
  v.subs.forEach((s, sub) => {
    if (s.leaving !== edge && v.now - s.leavingAt > leaveTime) {
      unsub(v, s.leaving, sub);
      s.leaving = edge;
    }
    if (s.trial !== edge && v.now - s.trialAt > trialTime) {
      fault(v, s.trial);
      stopTrial(v, sub);
      s.want = s.parent;
    }
    if (s.parent !== edge && slow(v, sub)) {
      failing(v, sub);
    }
    trip(v, sub);
    if (s.want !== s.parent && s.trial === edge) {
      pursue(v, sub);
    }
  });
}

/** Whether the parent's pieces have come too late for overTime. */
function slow(v: Viewer, sub: number): boolean {
  const s = v.subs[sub]!;
  if (s.lags.quantile(90) <= budget(v)) {
    s.over = -1;
    return false;
  }
  if (s.over < 0) {
    s.over = v.now;
  }
  return v.now - s.over >= overTime;
}

/** Counts a piece that its parent owes; three in a row change the parent. */
export function missed(v: Viewer, e: Entry): void {
  const s = v.subs[e.sub]!;
  if (s.parent === edge || less(e.id, s.from)) {
    return;
  }
  s.lags.add(v.params.delay);
  if (++s.misses >= maxMisses) {
    failing(v, e.sub);
  }
}

/**
 * Leaves a parent that is slow or silent. The second in a short time is the sub-stream's
 * fault rather than the parent's.
 */
function failing(v: Viewer, sub: number): void {
  const s = v.subs[sub]!;
  fault(v, s.parent);
  const again = s.badAt !== 0 && v.now - s.badAt < badTime;
  s.badAt = v.now;
  if (again) {
    toEdge(v, sub);
    tripped(v, sub);
    return;
  }
  lose(v, sub);
}
