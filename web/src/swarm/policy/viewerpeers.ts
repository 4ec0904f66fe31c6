// As relay/swarm/viewer_peers.go.
import { type PieceID, edge } from "../piece.ts";
import type { Candidate } from "./event.ts";
import { haveMaps } from "./have.ts";
import { Peer } from "./peer.ts";
import { second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { fault } from "./viewerscore.ts";
import { lose, pursue, stopTrial, unsub } from "./viewersubs.ts";
import { orphan } from "./viewertalk.ts";

/** Bounds on neighbours. */
const maxPeers = 24;
const maxBans = 64;
export const failedBan = 600 * second;
const invalidBan = 3600 * second;

/** Keeps a peer away. */
export interface Ban {
  readonly peer: number;
  readonly until: number;
}

export function peerOf(v: Viewer, id: number): Peer | undefined {
  return v.peers.find((p) => p.id === id);
}

function addPeer(v: Viewer, id: number): Peer {
  const p = new Peer(id, v.subs.length);
  const at = v.peers.findIndex((other) => other.id > id);
  v.peers.splice(at < 0 ? v.peers.length : at, 0, p);
  return p;
}

/** Connects to those that the edge made known. */
export function candidates(v: Viewer, cs: readonly Candidate[]): void {
  for (const c of cs) {
    if (c.peer === edge || c.peer === v.self || v.mode === "edge" || banned(v, c.peer)) {
      continue;
    }
    const known = peerOf(v, c.peer);
    if (known) {
      known.prefix = c.prefix;
      continue;
    }
    if (v.peers.length >= maxPeers && !makeRoom(v)) {
      continue;
    }
    addPeer(v, c.peer).prefix = c.prefix;
    v.do({ kind: "connect", peer: c.peer, offer: c.offer });
  }
}

/** Leaves the worst neighbour that nothing hangs on. */
function makeRoom(v: Viewer): boolean {
  let worst: Peer | undefined;
  for (const p of v.peers) {
    if (!p.child && !parentOf(v, p.id) && (!worst || p.score < worst.score)) {
      worst = p;
    }
  }
  if (!worst) {
    return false;
  }
  close(v, worst, "full");
  return true;
}

/** Whether a sub-stream hangs on that peer. */
function parentOf(v: Viewer, id: number): boolean {
  return v.subs.some((s) => s.parent === id || s.trial === id || s.leaving === id);
}

export function opened(v: Viewer, id: number, rtt: number): void {
  if (id === edge || id === v.self) {
    return;
  }
  const known = peerOf(v, id);
  if (!known && (v.mode === "edge" || banned(v, id) || v.peers.length >= maxPeers)) {
    v.do({ kind: "close", peer: id, reason: "full" });
    return;
  }
  const p = known ?? addPeer(v, id);
  p.open = true;
  p.openAt = v.now;
  p.rtt.add(v.now, rtt);
  const maps = haveMaps(v.table);
  if (maps.length > 0) {
    v.do({ kind: "have", peer: id, have: maps });
  }
  v.subs.forEach((s, sub) => {
    if (s.want === id) {
      pursue(v, sub);
    }
  });
}

export function failed(v: Viewer, id: number): void {
  ban(v, id, failedBan);
  forget(v, id);
}

export function closed(v: Viewer, id: number): void {
  fault(v, id);
  forget(v, id);
}

/** The edge tells to leave a peer. */
export function drop(v: Viewer, id: number, reason: string, during: number): void {
  if (during > 0) {
    ban(v, id, during);
  }
  const p = peerOf(v, id);
  if (p) {
    close(v, p, reason);
  }
}

/** A peer sent what no beacon signs; it is not heard again. */
export function invalid(v: Viewer, id: number, piece: PieceID): void {
  v.report.invalidPieces++;
  if (id === edge) {
    return;
  }
  ban(v, id, invalidBan);
  v.do({ kind: "invalid", peer: id, id: piece });
  v.do({ kind: "close", peer: id, reason: "invalid" });
  forget(v, id);
}

/** A peer stops sending; 0 is the viewer itself. */
export function left(v: Viewer, id: number): void {
  if (id === edge) {
    bye(v);
    return;
  }
  const p = peerOf(v, id);
  if (!p?.open) {
    return;
  }
  p.left = true;
  p.asked = [];
  abandon(v, id);
}

/** The viewer goes. */
function bye(v: Viewer): void {
  leavePeers(v);
  v.do({ kind: "bye", reason: "ended" });
  v.joined = false;
}

/** Tells all that nothing comes from here any more. */
export function leavePeers(v: Viewer): void {
  for (const p of v.peers) {
    if (p.open) {
      v.do({ kind: "leave", peer: p.id });
    }
    orphan(p);
  }
}

export function close(v: Viewer, p: Peer, reason: string): void {
  v.do({ kind: "close", peer: p.id, reason });
  forget(v, p.id);
}

/** Takes a peer out, and finds others for what hung on it. */
export function forget(v: Viewer, id: number): void {
  v.peers = v.peers.filter((p) => p.id !== id);
  abandon(v, id);
}

/** Takes nothing from a peer any more. One that is still connected would go on pushing what it was asked for. */
export function abandon(v: Viewer, id: number): void {
  if (id === edge) {
    return;
  }
  v.subs.forEach((s, sub) => {
    if (s.want === id) {
      s.want = edge;
    }
    if (s.leaving === id) {
      unsub(v, id, sub);
      s.leaving = edge;
    }
    if (s.trial === id) {
      stopTrial(v, sub);
    }
    if (s.parent === id) {
      lose(v, sub);
    }
  });
}

export function ban(v: Viewer, id: number, during: number): void {
  if (id === edge) {
    return;
  }
  v.bans = v.bans.filter((b) => b.peer !== id && b.until > v.now);
  if (v.bans.length >= maxBans) {
    v.bans.shift();
  }
  v.bans.push({ peer: id, until: v.now + during });
}

function banned(v: Viewer, id: number): boolean {
  return v.bans.some((b) => b.peer === id && b.until > v.now);
}
