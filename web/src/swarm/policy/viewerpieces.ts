// As relay/swarm/viewer_pieces.go.
import { maxPiece, maxPieces } from "../codes.ts";
import { type PieceID, edge, less, subOf } from "../piece.ts";
import type { Event } from "./event.ts";
import { type Peer, reached } from "./peer.ts";
import { type Entry, newEntry } from "./table.ts";
import { div, millisecond, second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { answerHedge } from "./viewerhedge.ts";
import { peerOf } from "./viewerpeers.ts";
import { adopt, unsub } from "./viewersubs.ts";
import { spread } from "./viewerupload.ts";

type Told<K extends Event["kind"]> = Extract<Event, { kind: K }>;

/** The media time over which the bitrate is measured: GOPs fit in. */
const rateSpan = 2 * second;

/** Measures the bitrate of the stream by what beacons tell: bytes against media time. */
export class Rate {
  value = 0;
  private bytes = 0;
  private from = 0;

  /** Counts a chunk; an estimate comes with the first 500 ms, and again with every rateSpan. */
  beacon(pts: number, size: number): void {
    let span = pts - this.from;
    if (span < 0 || span > 2 * rateSpan) {
      this.bytes = 0;
      this.from = pts;
      span = 0;
    }
    if (span >= rateSpan || (this.value === 0 && span >= second / 2)) {
      const now = div(this.bytes * 8 * second, span);
      this.value = this.value === 0 ? now : this.value + div(now - this.value, 4);
      if (span >= rateSpan) {
        this.bytes = 0;
        this.from = pts;
      }
    }
    this.bytes += size;
  }
}

export function deadline(v: Viewer, e: Entry): number {
  return e.pts + v.offset;
}

/** Takes in a verified beacon. */
export function beacon(v: Viewer, e: Told<"beacon">): void {
  if (e.sizes.length === 0 || e.sizes.length > maxPieces) {
    return;
  }
  if (!v.playing && v.table.groups.length === 0) {
    // Until the player tells: as if a chunk were displayed T after its beacon.
    v.offset = v.now + v.params.delay - e.pts;
  }
  if (v.table.groups.length === 0) {
    v.feedAgain(e.id);
  }
  let total = 0;
  let fresh = false;
  e.sizes.forEach((told, i) => {
    const id: PieceID = { g: e.id.g, n: e.id.n + i };
    const size = Math.min(Math.max(told, 0), maxPiece);
    total += size;
    fresh = v.table.add(newEntry(id, subOf(id, v.params.subs), size, e.pts, v.now)) || fresh;
  });
  if (fresh) {
    v.bitrate.beacon(e.pts, total);
    smoothSlack(v, e.pts + v.offset - v.now);
  }
}

function smoothSlack(v: Viewer, slack: number): void {
  if (v.slack === 0) {
    v.slack = slack;
  }
  v.slack += div(slack - v.slack, 8);
}

/** How long after its beacon a piece may come before a gap is asked for. */
export function budget(v: Viewer): number {
  return Math.max(50 * millisecond, Math.min(v.slack, v.params.delay) - v.hedger.lead - v.params.gapPull);
}

/** Takes in a verified piece, and passes it on. */
export function piece(v: Viewer, e: Told<"piece">): void {
  const p = peerOf(v, e.peer);
  const en = v.table.find(e.id);
  if (!en) {
    return;
  }
  p?.answered(e.id);
  if (e.peer === edge && !e.hedged && less(v.edgeHead, e.id)) {
    v.edgeHead = e.id;
  }
  const late = v.now > deadline(v, en);
  count(v, e, en, p, late);
  arrived(v, e.peer, en);
  if (en.have) {
    return;
  }
  en.have = true;
  if (e.hedged && en.hedges > 0) {
    answerHedge(v.hedger, v.now - en.hedgedAt, v.params);
  }
  learn(v, e.peer, en);
  spread(v, en, e.peer);
}

/** Keeps the books: bytes on time, late, twice. */
function count(v: Viewer, e: Told<"piece">, en: Entry, p: Peer | undefined, late: boolean): void {
  const { size } = en;
  if (en.have) {
    v.report.duplicateBytes += size;
    return;
  }
  if (late) {
    v.report.lateBytes += size;
  } else if (p) {
    v.report.peerBytes += size;
    p.bytes += size;
  } else if (e.hedged) {
    v.report.hedgeBytes += size;
  } else {
    v.report.edgeBytes += size;
  }
  if (p && en.pulled === e.peer && !late) {
    p.delivered += size;
  }
}

/** Moves a sub-stream on when the first piece came by the new way. */
function arrived(v: Viewer, from: number, en: Entry): void {
  const s = v.subs[en.sub]!;
  if (s.trial === from && from !== edge && en.pulled !== from && reached(en.id, s.trialFrom)) {
    adopt(v, en.sub);
  }
  if (s.leaving !== edge && s.parent === from && reached(en.id, s.from)) {
    unsub(v, s.leaving, en.sub);
    s.leaving = edge;
  }
}

/** Notes how far behind its beacon a piece came, and what that says of who was to bring it. */
function learn(v: Viewer, from: number, en: Entry): void {
  const s = v.subs[en.sub]!;
  const { size } = en;
  if (en.hedges === 0) {
    s.due[0]! += size;
  }
  if (from === s.parent && en.pulled !== from && en.hedges === 0) {
    s.lags.add(v.now - en.seen);
  }
  if (s.parent === edge || less(en.id, s.from)) {
    return;
  }
  const parent = peerOf(v, s.parent);
  if (!parent) {
    return;
  }
  parent.promised += size;
  if (from === s.parent) {
    if (v.now <= deadline(v, en)) {
      parent.delivered += size;
    }
    if (!en.tried) {
      s.misses = 0;
    }
    return;
  }
  if (en.hedges === 0) {
    v.do({ kind: "cancel", peer: s.parent, ids: [en.id] });
  }
}
