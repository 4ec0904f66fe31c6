// As relay/swarm/viewer_upload.go.
import { maxPiece } from "../codes.ts";
import { edge, less } from "../piece.ts";
import { Bucket } from "./bucket.ts";
import type { Peer } from "./peer.ts";
import type { Entry } from "./table.ts";
import { div, millisecond, second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { adapt } from "./viewerhedge.ts";
import { peerOf } from "./viewerpeers.ts";
import { deadline } from "./viewerpieces.ts";

/** Stands for an uplink that was not measured yet, bit/s. */
const unknownUplink = 5_000_000;
/**
 * A newcomer is a leaf for leafTime and has one slot then; its slots double every
 * doubleTime until it meets congestion, then grow by one every growTime.
 */
const leafTime = 3 * second;
const doubleTime = 2 * second;
const growTime = 10 * second;
const maxRamp = 64;
/**
 * An inflated round trip, three times in a row, or maxQueue of unsent data that stands for
 * standTime, halves the slots, at most every calmTime. Below calmQueue they may grow. A
 * key frame's burst does not stand.
 */
const inflatedTimes = 3;
/** Of the round trip to the edge, twice in a row, does the same. */
const maxEdgeInflation = 150 * millisecond;
const maxQueue = 200 * millisecond;
const calmQueue = 50 * millisecond;
const standTime = second / 2;
const calmTime = 2 * second;
/**
 * How much of the budget may go at once. Full slots take the whole budget in the mean, so
 * what a key frame needs more must come from here.
 */
const burst = 3 * second;
/**
 * How much the line may have to send before it gets more: hedges and answers of the viewer
 * itself wait behind that, and what waits here can still be cancelled. Ticks are not
 * further apart.
 */
const ahead = 50 * millisecond;
/**
 * The part of the budget by which the bucket exceeds it: slots keep the mean within the
 * budget, and what has queued up must be able to drain.
 */
const slack = 8;

/** What a viewer gives. */
export class Upload {
  /** bit/s, 0 unknown. */
  uplink = 0;
  /** Slots by the edge, -1 none. */
  limit = -1;
  readonly bucket = new Bucket();
  turn = 0;
  /** When the line will have sent what was pushed, by its rate. */
  freeAt = 0;

  /** -1: not yet. */
  joinedAt = -1;
  ramp = 0;
  rampAt = 0;
  congested = false;
  halvedAt = 0;
  /** The shortest queue since lowAt; worst the longest that stood since the slots last grew. */
  low = 0;
  lowAt = 0;
  worst = 0;

  grow(now: number): void {
    if (this.congested) {
      this.ramp++;
      this.rampAt = now + growTime;
      return;
    }
    this.ramp = Math.max(1, 2 * this.ramp);
    this.rampAt = now + doubleTime;
  }
}

/** The uplink, known or assumed, bit/s. */
function line(v: Viewer): number {
  return v.upload.uplink > 0 ? v.upload.uplink : unknownUplink;
}

/** What may be uploaded, bit/s: a share of the uplink, so many times the bitrate, never above the cap. */
export function rate(v: Viewer): number {
  const share = Math.trunc(v.params.share * line(v));
  const most = Math.trunc(v.params.capFactor * v.bitrate.value);
  return Math.max(0, Math.min(share, most, v.params.cap));
}

/** How many sub-streams may be pushed to children. */
export function slots(v: Viewer): number {
  if (v.mode !== "on" || v.bitrate.value === 0) {
    return 0;
  }
  const n = Math.min(div(rate(v) * v.subs.length, v.bitrate.value), v.upload.ramp);
  return v.upload.limit >= 0 ? Math.min(n, v.upload.limit) : n;
}

/** How many are pushed. */
export function taken(v: Viewer): number {
  return v.peers.reduce((sum, p) => sum + p.children.filter((child) => child).length, 0);
}

/** Lets slots grow while queues are short. */
export function ramp(v: Viewer): void {
  const u = v.upload;
  if (!v.joined || v.table.groups.length === 0) {
    return;
  }
  if (u.joinedAt < 0) {
    u.joinedAt = v.now;
    u.rampAt = v.now + leafTime;
  }
  watchQueue(v);
  if (v.now < u.rampAt || u.ramp >= maxRamp) {
    return;
  }
  if (u.worst < calmQueue || u.ramp === 0) {
    u.grow(v.now);
  } else {
    u.rampAt = v.now + doubleTime;
  }
  u.worst = 0;
}

/** Finds the queue that stands: the shortest within standTime. */
function watchQueue(v: Viewer): void {
  const u = v.upload;
  u.low = Math.min(u.low, waiting(v));
  if (v.now - u.lowAt < standTime) {
    return;
  }
  u.worst = Math.max(u.worst, u.low);
  if (u.low > maxQueue) {
    backOff(v);
  }
  u.low = waiting(v);
  u.lowAt = v.now;
}

/** How long what is not sent yet takes on the whole line. */
export function waiting(v: Viewer): number {
  const bytes = v.peers.reduce((sum, p) => sum + p.buffered, 0);
  return div(bytes * 8 * second, line(v));
}

/** Is told what waits to be sent to a peer. */
export function queued(v: Viewer, id: number, bytes: number): void {
  const p = peerOf(v, id);
  if (!p) {
    return;
  }
  p.buffered = Math.max(0, bytes);
  v.upload.low = Math.min(v.upload.low, waiting(v));
}

/** Is told a round trip, peer 0 being the edge. */
export function roundTrip(v: Viewer, id: number, rtt: number): void {
  if (id === edge) {
    edgeTrip(v, rtt);
    return;
  }
  const p = peerOf(v, id);
  if (!p) {
    return;
  }
  p.rtt.add(v.now, rtt);
  if (p.rtt.inflated >= inflatedTimes && p.child && lineFull(v)) {
    p.rtt.inflated = 0;
    backOff(v);
  }
}

/**
 * Is told the round trip to the edge. When it has grown much the viewer's own line is full:
 * what waits to be pushed is given up, for its hedges wait behind it, and nothing is pushed
 * until the line has sent what it holds.
 */
function edgeTrip(v: Viewer, rtt: number): void {
  const h = v.hedger;
  h.rtt.add(v.now, rtt);
  adapt(h, v.params);
  const held = h.rtt.value - h.rtt.base;
  if (held <= maxEdgeInflation) {
    h.choked = 0;
    return;
  }
  h.choked++;
  const again = h.choked >= 2;
  if (taken(v) === 0 || (!again && held <= 2 * maxEdgeInflation)) {
    return;
  }
  v.upload.freeAt = Math.max(v.upload.freeAt, v.now + held);
  for (const p of v.peers) {
    p.queue = [];
  }
  if (again) {
    h.choked = 0;
    backOff(v);
  }
}

/** The round trips to all neighbours are long at present, so it is this viewer's line that is full and not one of theirs. */
function lineFull(v: Viewer): boolean {
  return v.peers.every((p) => !p.open || p.rtt.value <= 0 || p.rtt.inflated > 0);
}

/** Halves the slots: somebody else needs the line. */
function backOff(v: Viewer): void {
  const u = v.upload;
  if (v.now - u.halvedAt < calmTime) {
    return;
  }
  u.halvedAt = v.now;
  u.congested = true;
  u.ramp = Math.max(1, div(Math.min(u.ramp, taken(v)), 2));
  u.rampAt = v.now + growTime;
  for (let more = taken(v) - slots(v); more > 0; more--) {
    dismiss(v);
  }
}

/** Sends the youngest child away. */
function dismiss(v: Viewer): void {
  let young: Peer | undefined;
  let at = 0;
  for (const p of v.peers) {
    p.children.forEach((child, sub) => {
      if (child && (!young || p.since[sub]! > young.since[at]!)) {
        young = p;
        at = sub;
      }
    });
  }
  if (!young) {
    return;
  }
  young.drop(at);
  v.do({ kind: "refuse", peer: young.id, reason: "full", sub: at, ids: [] });
}

/** There is still time for a child to use it. */
export function useful(v: Viewer, e: Entry): boolean {
  return v.now < deadline(v, e) - v.hedger.lead;
}

/** Hands a piece to the children of its sub-stream. */
export function spread(v: Viewer, e: Entry, from: number): void {
  if (v.mode !== "on" || !useful(v, e)) {
    return;
  }
  for (const p of v.peers) {
    if (p.id !== from && p.open && p.children[e.sub] && !less(e.id, p.from[e.sub]!)) {
      p.offer(e);
    }
  }
}

/** Sends what waits, each child one piece in turn, as far as the budget and the children's queues allow. */
export function drain(v: Viewer): void {
  const u = v.upload;
  u.bucket.fill(v.now, rate(v) + div(rate(v), slack), burst, 2 * maxPiece);
  for (let idle = 0; idle < v.peers.length; ) {
    u.turn = (u.turn + 1) % v.peers.length;
    idle = sendNext(v, v.peers[u.turn]!) ? 0 : idle + 1;
  }
}

function sendNext(v: Viewer, p: Peer): boolean {
  while (p.queue.length > 0 && !useful(v, p.queue[0]!)) {
    p.queue.shift();
  }
  const [e] = p.queue;
  if (!e || v.upload.freeAt - v.now > ahead || !clear(v, p) || !v.upload.bucket.has(e.size)) {
    return false;
  }
  p.queue.shift();
  push(v, p, e);
  return true;
}

/** What waits in the peer's connection is little. */
function clear(v: Viewer, p: Peer): boolean {
  return p.buffered <= Math.max(2 * maxPiece, div(div(line(v), 8) * maxQueue, second));
}

/** A piece can go now, nothing waits, and the children's next burst is left its part of the budget. */
export function spare(v: Viewer, size: number): boolean {
  if (slots(v) === 0) {
    return false; // A piece would fill its line for seconds, and its own hedges wait behind it.
  }
  const b = v.upload.bucket;
  const waits = v.peers.some((p) => p.queue.length > 0);
  return !waits && b.has(size) && b.level > b.depth / 2 && v.upload.freeAt - v.now <= ahead;
}

export function push(v: Viewer, p: Peer, e: Entry): void {
  if (!v.upload.bucket.take(e.size)) {
    return;
  }
  v.upload.freeAt = Math.max(v.upload.freeAt, v.now) + div(e.size * 8 * second, line(v));
  v.report.uploadBytes += e.size;
  v.do({ kind: "push", peer: p.id, id: e.id });
}
