// As relay/swarm/viewer_score.go.
import type { Peer } from "./peer.ts";
import { div, millisecond } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { ageBreakers } from "./viewerguard.ts";
import { pullTime } from "./viewerhedge.ts";
import { abandon, ban, close, failedBan, peerOf } from "./viewerpeers.ts";
import { budget } from "./viewerpieces.ts";
import { orphan } from "./viewertalk.ts";

/** Counts a failure that sticks. */
export function fault(v: Viewer, id: number): void {
  const p = peerOf(v, id);
  if (p) {
    p.faults += 1000;
  }
}

/** What comes every second: scores decay and are made anew. */
export function age(v: Viewer): void {
  ageBreakers(v);
  for (const p of v.peers) {
    p.promised -= div(p.promised, 10);
    p.delivered -= div(p.delivered, 10);
    p.faults -= div(p.faults, 100);
    while (p.asked.length > 0 && v.now - p.asked[0]!.at > pullTime) {
      p.asked.shift();
    }
    if (p.open) {
      p.score = score(v, p);
    }
  }
  judge(v);
}

/** S of docs/swarm.md in thousandths: whole numbers, so that Go and TypeScript agree. */
function score(v: Viewer, p: Peer): number {
  const r = p.promised > 0 ? Math.min(1000, div(p.delivered * 1000, p.promised)) : 1000;
  const short = 1000 - r;
  const c = crowd(v, p);
  const age = 10 * Math.min(1000, div(div(v.now - p.openAt, millisecond), 60));
  const s = age + 40 * r - div(60 * short * short, 1000) - 20 * lateness(v, p) - 15 * p.faults - 10_000 * c * c;
  return Math.min(Math.max(s, -100_000), 100_000);
}

/** J, thousandths: the parent's lag against what is allowed. */
function lateness(v: Viewer, p: Peer): number {
  let worst = 0;
  for (const s of v.subs) {
    if (s.parent === p.id) {
      worst = Math.max(worst, div(s.lags.quantile(90) * 1000, budget(v)));
    }
  }
  return Math.min(1000, worst);
}

/** C: open neighbours in the same prefix beyond one besides. Class 0 is no class. */
function crowd(v: Viewer, p: Peer): number {
  const near = v.peers.filter((q) => q !== p && q.open && p.prefix !== 0 && q.prefix === p.prefix);
  return Math.max(0, near.length - 1);
}

/** Acts on scores: no parent below 0, no traffic below -40, no connection below -80. */
function judge(v: Viewer): void {
  for (let i = 0; i < v.peers.length; ) {
    const p = v.peers[i]!;
    if (p.open && p.score < -80_000) {
      ban(v, p.id, failedBan);
      close(v, p, "score");
      continue;
    }
    if (p.open && p.score < -40_000) {
      orphan(p);
      abandon(v, p.id);
    } else if (p.open && p.score < 0) {
      abandon(v, p.id);
    }
    i++;
  }
}
