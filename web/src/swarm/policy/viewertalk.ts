// As relay/swarm/viewer_talk.go.
import { maxPulls as maxIDs } from "../codes.ts";
import type { HaveMap } from "../peermessage.ts";
import { type PieceID, edge, less } from "../piece.ts";
import type { Refused } from "./event.ts";
import { bounded, has, haveMaps } from "./have.ts";
import type { Peer } from "./peer.ts";
import type { Viewer } from "./viewer.ts";
import { lose } from "./viewersubs.ts";
import { push, slots, spare, taken, useful } from "./viewerupload.ts";

/** Tells every open neighbour what is here. */
export function tellHave(v: Viewer): void {
  if (v.mode !== "on" || slots(v) === 0) {
    return;
  }
  const have = haveMaps(v.table);
  if (have.length === 0) {
    return;
  }
  for (const p of v.peers) {
    if (p.open) {
      v.do({ kind: "have", peer: p.id, have });
    }
  }
}

/** Keeps a neighbour's have-maps, and notes where it is ahead. */
export function haveCame(v: Viewer, p: Peer, maps: readonly HaveMap[]): void {
  p.have = bounded(maps);
  p.left = false;
  for (const e of v.table.missing) {
    if (!e.have && p.has(e.id)) {
      p.aheadAt[e.sub] = v.now;
    }
  }
}

/** A neighbour wants a sub-stream pushed. */
export function subscribed(v: Viewer, p: Peer, sub: number, from: PieceID): void {
  if (sub < 0 || sub >= v.subs.length) {
    return;
  }
  const reason = refusal(v, p, sub);
  if (reason !== "") {
    v.do({ kind: "refuse", peer: p.id, reason, sub, ids: [] });
    return;
  }
  if (!p.children[sub]) {
    p.children[sub] = true;
    p.since[sub] = v.now;
  }
  p.from[sub] = from;
  backlog(v, p, sub);
}

function refusal(v: Viewer, p: Peer, sub: number): string {
  if (v.mode !== "on" || p.score < -40_000) {
    return "full";
  }
  const s = v.subs[sub]!;
  if (s.parent === p.id || s.trial === p.id) {
    return "loop";
  }
  return !p.children[sub] && taken(v) >= slots(v) ? "full" : "";
}

/** Pushes what is here of a sub-stream already. */
function backlog(v: Viewer, p: Peer, sub: number): void {
  for (const g of v.table.groups) {
    for (const e of g.pieces) {
      if (has(e) && e.sub === sub && !less(e.id, p.from[sub]!) && useful(v, e)) {
        p.offer(e);
      }
    }
  }
}

export function unsubscribed(v: Viewer, p: Peer, sub: number): void {
  if (sub >= 0 && sub < v.subs.length) {
    p.drop(sub);
  }
}

/** Stops feeding a neighbour. */
export function orphan(p: Peer): void {
  p.children.fill(false);
  p.queue = [];
}

/** A neighbour asks for pieces. It gets those that are here when nothing else waits to be sent. */
export function pulled(v: Viewer, p: Peer, ids: readonly PieceID[]): void {
  const none: PieceID[] = [];
  let reason = "unknown";
  for (const id of ids.slice(0, maxIDs)) {
    const e = v.table.find(id);
    if (!has(e)) {
      none.push(id);
    } else if (v.mode !== "on" || !spare(v, e.size) || p.score < -40_000) {
      none.push(id);
      reason = "full";
    } else {
      push(v, p, e);
    }
  }
  if (none.length > 0) {
    v.do({ kind: "refuse", peer: p.id, reason, sub: 0, ids: none });
  }
}

/** A neighbour does not give what it was asked for. */
export function refused(v: Viewer, p: Peer, e: Refused): void {
  if (e.ids.length > 0) {
    e.ids.slice(0, maxIDs).forEach((id) => p.answered(id));
    return;
  }
  const s = v.subs[e.sub];
  if (!s) {
    return;
  }
  p.faults += 333;
  if (s.want === p.id) {
    s.want = s.parent;
  }
  if (s.trial === p.id) {
    s.trial = edge;
  }
  if (s.parent === p.id) {
    s.want = edge;
    lose(v, e.sub);
  }
}
