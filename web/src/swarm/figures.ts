import type { Report } from "./policy/action.ts";

const span = 10_000;
const rateSpan = 2000;

type Counter = "peerBytes" | "edgeBytes" | "hedgeBytes" | "lateBytes" | "duplicateBytes" | "uploadBytes" | "invalidPieces";
export type Totals = Record<Counter, number>;

interface Step {
  readonly at: number;
  readonly peer: number;
  readonly edge: number;
  readonly upload: number;
}

/** Adds up what a viewer got from whom, over all its time in swarms. */
export class Figures {
  readonly totals: Totals = {
    peerBytes: 0,
    edgeBytes: 0,
    hedgeBytes: 0,
    lateBytes: 0,
    duplicateBytes: 0,
    uploadBytes: 0,
    invalidPieces: 0,
  };
  /** Times that the edge was asked for missing pieces, in exchanges that are over. */
  hedges = 0;
  private steps: Step[] = [];

  /** A report of the policy; all that the edge sent counts as its, asked for by hedges or not. */
  add(report: Report, now: number): void {
    for (const counter of Object.keys(this.totals) as Counter[]) {
      this.totals[counter] += report[counter];
    }
    this.totals.edgeBytes += report.hedgeBytes;
    this.note({ at: now, peer: report.peerBytes, edge: report.edgeBytes + report.hedgeBytes, upload: report.uploadBytes });
  }

  /** Video that came by subscription. */
  addPlain(bytes: number, now: number): void {
    this.totals.edgeBytes += bytes;
    this.note({ at: now, peer: 0, edge: bytes, upload: 0 });
  }

  /** Share of the video that came from peers in the last ten seconds; null without video. */
  offload(now: number): number | null {
    const recent = this.steps.filter(({ at }) => now - at < span);
    const peer = sum(recent, "peer");
    const all = peer + sum(recent, "edge");
    return all > 0 ? peer / all : null;
  }

  /** bit/s. */
  rate(which: "peer" | "upload", now: number): number {
    const recent = this.steps.filter(({ at }) => now - at <= rateSpan);
    return Math.round((sum(recent, which) * 8000) / rateSpan);
  }

  private note(step: Step): void {
    this.steps.push(step);
    this.steps = this.steps.filter(({ at }) => step.at - at < span);
  }
}

function sum(steps: readonly Step[], which: "peer" | "edge" | "upload"): number {
  return steps.reduce((total, step) => total + step[which], 0);
}
