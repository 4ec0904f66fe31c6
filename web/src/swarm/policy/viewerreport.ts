// As relay/swarm/viewer_report.go.
import type { Report } from "./action.ts";
import { div, second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { rate, slots, waiting } from "./viewerupload.ts";

type Counted = "peerBytes" | "edgeBytes" | "hedgeBytes" | "lateBytes" | "duplicateBytes" | "uploadBytes" | "invalidPieces" | "stalls";

/** Those of a Report. */
export type Counters = Record<Counted, number>;

export function newCounters(): Counters {
  return {
    peerBytes: 0,
    edgeBytes: 0,
    hedgeBytes: 0,
    lateBytes: 0,
    duplicateBytes: 0,
    uploadBytes: 0,
    invalidPieces: 0,
    stalls: 0,
  };
}

/** Tells the edge the counters since the last report, and what is so. */
export function tellReport(v: Viewer): void {
  const open = v.peers.filter((p) => p.open);
  const report: Report = {
    ...v.report,
    lag: v.subs.map(({ lags }) => lags.quantile(90)),
    queue: backlogTime(v),
    uplink: v.upload.uplink,
    slots: slots(v),
    peers: open.map((p) => ({ peer: p.id, score: p.score / 1000, rtt: p.rtt.value, bytes: p.bytes })),
  };
  open.forEach((p) => (p.bytes = 0));
  v.report = newCounters();
  v.do({ kind: "report", report });
}

/** How long a piece waits before it is sent: for the budget, and in the connections. */
function backlogTime(v: Viewer): number {
  const bytes = v.peers.reduce((all, p) => p.queue.reduce((sum, e) => sum + e.size, all), 0);
  const allowed = rate(v);
  return waiting(v) + (bytes > 0 && allowed > 0 ? div(bytes * 8 * second, allowed) : 0);
}
