// As relay/swarm/viewer_hedge.go.
import { maxPiece, maxPulls as maxIDs } from "../codes.ts";
import { type PieceID, edge, less } from "../piece.ts";
import { Bucket } from "./bucket.ts";
import type { Params } from "./event.ts";
import { maxHaveBits } from "./have.ts";
import { type Peer, RoundTrip } from "./peer.ts";
import { Window } from "./quantile.ts";
import { type Entry, giveUp } from "./table.ts";
import { div, millisecond, second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { tripped } from "./viewerguard.ts";
import { deadline } from "./viewerpieces.ts";
import { missed, setParent, unsub } from "./viewersubs.ts";

/** Put on top of what answers to hedges take. */
const hedgeMargin = 50 * millisecond;
/** Bounds how far ahead a tick looks. */
const maxTick = 50 * millisecond;
/** How many answers count as knowing. */
const hedgeSamples = 5;
/** Bounds how often a piece is asked of the edge. */
const maxHedges = 4;
/** Bounds what is asked of one neighbour at a time, and how long an answer is waited for. */
const maxAsked = 8;
export const pullTime = second;
const maxOpen = 64;

interface OpenHedge {
  readonly id: number;
  readonly pieces: readonly Entry[];
}

/** Asks the edge for what is about to be late. */
export class Hedger {
  /** H, and the way to the edge and back. */
  lead = 0;
  readonly rtt = new RoundTrip();
  /** Round trips in a row that were far too long. */
  choked = 0;
  readonly answers = new Window();
  readonly bucket = new Bucket();
  count = 0;
  /** Not answered yet, at most 64. */
  open: OpenHedge[] = [];
}

/** Takes in how long an answer took. */
export function answerHedge(h: Hedger, took: number, p: Params): void {
  h.answers.add(took);
  adapt(h, p);
}

/** Sets H: p95 of the answers and a margin. */
export function adapt(h: Hedger, p: Params): void {
  let lead = Math.max(p.hedgeStart, 2 * h.rtt.value + hedgeMargin);
  if (h.answers.length >= hedgeSamples) {
    lead = h.answers.quantile(95) + hedgeMargin;
  }
  h.lead = Math.min(Math.max(lead, p.hedgeMin), p.hedgeMax);
}

/** Looks at what is missing: gaps are asked for at neighbours at deadline-H-G, at the edge at deadline-H. */
export function overdue(v: Viewer): void {
  v.hedger.bucket.fill(v.now, div(v.bitrate.value * 6, 5), 2 * second, 16 * maxPiece);
  // What would fall due before the next tick is due now.
  const next = v.now + Math.min(v.now - v.tickAt, maxTick);
  v.tickAt = v.now;
  const hedges: Entry[] = [];
  for (const e of v.table.missing) {
    if (e.have || deadline(v, e) + giveUp < v.now) {
      continue;
    }
    if (!e.tried && next >= deadline(v, e) - v.hedger.lead - v.params.gapPull) {
      e.tried = true;
      missed(v, e);
      pull(v, e);
    }
    if (next >= hedgeAt(v, e) && mayHedge(v, e)) {
      hedges.push(e);
    }
  }
  sendPulls(v);
  sendHedges(v, hedges);
}

/**
 * When a piece is asked of the edge. What the edge was to bring anyway is on its way on a
 * reliable stream: before its deadline it is asked for again only where a later piece
 * came from there. Otherwise all is late, most likely for the viewer's own line, which
 * would be fuller still; and a viewer that takes from nobody else never asks before.
 */
function hedgeAt(v: Viewer, e: Entry): number {
  const s = v.subs[e.sub]!;
  if (s.parent !== edge || less(e.id, s.from)) {
    return deadline(v, e) - v.hedger.lead;
  }
  const passedOver = v.mode !== "edge" && less(e.id, v.edgeHead);
  return passedOver ? deadline(v, e) - v.params.hedgeMin : deadline(v, e) + second / 2;
}

function mayHedge(v: Viewer, e: Entry): boolean {
  return v.joined && e.hedges < maxHedges && (e.hedges === 0 || v.now - e.hedgedAt >= v.hedger.lead);
}

/** Asks for the pieces, those of one group in one message. What the bucket does not allow the edge is asked to feed. */
function sendHedges(v: Viewer, pieces: readonly Entry[]): void {
  let start = 0;
  while (start < pieces.length) {
    let end = start + 1;
    while (end < pieces.length && sameHedge(pieces[start]!, pieces[end]!)) {
      end++;
    }
    sendHedge(v, pieces.slice(start, end));
    start = end;
  }
}

/** Whether b fits into the message that starts with a. */
function sameHedge(a: Entry, b: Entry): boolean {
  return a.id.g === b.id.g && a.id.n <= b.id.n && b.id.n - a.id.n < maxHaveBits;
}

function sendHedge(v: Viewer, pieces: readonly Entry[]): void {
  const asked: Entry[] = [];
  for (const e of pieces) {
    if (!v.hedger.bucket.take(e.size)) {
      exhausted(v, e);
      continue;
    }
    markHedged(v, e);
    asked.push(e);
  }
  if (asked.length === 0) {
    return;
  }
  const h = v.hedger;
  h.open.push({ id: h.count, pieces: asked });
  if (h.open.length > maxOpen) {
    h.open.shift();
  }
  v.do({ kind: "hedge", count: h.count, ids: asked.map(({ id }) => id) });
  h.count++;
  cancelAsked(v, asked);
}

function markHedged(v: Viewer, e: Entry): void {
  const s = v.subs[e.sub]!;
  if (e.hedges === 0) {
    s.due[0]! += e.size;
    if (s.parent !== edge) {
      s.hedged[0]! += e.size;
      s.hedges[0]!++;
    }
  }
  e.hedges++;
  e.hedgedAt = v.now;
  e.hedge = v.hedger.count;
}

/** Puts the sub-stream of a piece on the edge, from that piece on: too much is missing for hedges. */
function exhausted(v: Viewer, e: Entry): void {
  const s = v.subs[e.sub]!;
  if (s.parent === edge) {
    return;
  }
  unsub(v, s.parent, e.sub);
  s.want = edge;
  v.feedAgain(e.id);
  setParent(v, e.sub, edge, e.id);
  tripped(v, e.sub);
}

/** Tells those who owe the pieces that the edge brings them. */
function cancelAsked(v: Viewer, pieces: readonly Entry[]): void {
  for (const p of v.peers) {
    const ids: PieceID[] = [];
    for (const e of pieces) {
      const s = v.subs[e.sub]!;
      const owes = (s.parent === p.id && !less(e.id, s.from)) || e.pulled === p.id;
      if (owes && e.hedges === 1 && ids.length < maxIDs) {
        ids.push(e.id);
      }
    }
    if (p.open && ids.length > 0) {
      v.do({ kind: "cancel", peer: p.id, ids });
    }
  }
}

/** The edge has sent all it has; what is not there may be asked for again. */
export function hedgeDone(v: Viewer, id: number): void {
  const { open } = v.hedger;
  const i = open.findIndex((hedge) => hedge.id === id);
  if (i < 0) {
    return;
  }
  for (const e of open[i]!.pieces) {
    if (!e.have && e.hedge === id) {
      e.hedgedAt = v.now - v.hedger.lead;
    }
  }
  open.splice(i, 1);
}

/** Asks a neighbour for a piece: the one with the fewest open questions that says it has it. */
function pull(v: Viewer, e: Entry): void {
  if (v.mode === "edge" || v.peers.length === 0) {
    return;
  }
  let best: Peer | undefined;
  const start = v.random.below(v.peers.length);
  for (let i = 0; i < v.peers.length; i++) {
    const p = v.peers[(start + i) % v.peers.length]!;
    if (!p.usable || p.id === v.subs[e.sub]!.parent || p.asked.length >= maxAsked || !p.has(e.id)) {
      continue;
    }
    if (!best || p.asked.length < best.asked.length) {
      best = p;
    }
  }
  if (!best) {
    return;
  }
  e.pulled = best.id;
  best.promised += e.size;
  best.asked.push({ id: e.id, at: v.now });
  best.asking.push(e.id);
}

function sendPulls(v: Viewer): void {
  for (const p of v.peers) {
    if (p.asking.length > 0) {
      v.do({ kind: "pull", peer: p.id, ids: p.asking });
      p.asking = [];
    }
  }
}

