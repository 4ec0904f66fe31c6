import type { Kind } from "../media/catalog.ts";

/** Milliseconds over which lateness is remembered, and the slices in which it is forgotten. */
const window = 10_000;
const slice = 500;
/** Less than so many milliseconds of arrivals say nothing yet. */
const evidence = 3000;
/** Seconds over which the edge of the buffer is smoothed. */
const smoothing = 2;

/**
 * Seconds before its display that media must be there: Chromium takes sound ahead of
 * the time that it shows, and looks further ahead to play faster or slower at the same
 * pitch. Seen to run dry with 140 ms; then it stands until it has 200, next time 400.
 * With the margin (adaptivetarget.ts) it has 150.
 */
const lookahead: Record<Kind, number> = { video: 0, audio: 0.07 };

/** The extremes of half a second, in seconds: local time less media time. */
interface Slice {
  readonly begun: number;
  promptest: number;
  latest: number;
  /** Against the time of display, which reordered pictures are nearer to. */
  latestToDisplay: number;
}

/**
 * How the media of all tracks arrives, over the last ten seconds. Lateness is the
 * local time of arrival less media time: only differences of it mean anything.
 *
 * What must be buffered follows from it. Playback that never waits keeps its
 * distance (local time less media time shown) at the lateness of the latest chunk
 * against its display or more; so measured it makes no difference whether a chunk
 * is late because the network held it, because it is a B-frame or because a tenth
 * of a second of sound has to be over before it is sent.
 */
export class Arrivals {
  private readonly tracks: Record<Kind, Slice[]> = { video: [], audio: [] };
  private begun: number | undefined;
  /** Media time of the buffer's edge less local time, in seconds, smoothed. */
  private edge: number | undefined;
  private edgeAt = 0;

  /** A chunk goes into the buffer; decode, display: when it is due, in seconds; now in milliseconds. */
  note(kind: Kind, decode: number, display: number, now: number): void {
    this.begun ??= now;
    const slices = this.tracks[kind];
    let last = slices.at(-1);
    if (!last || now - last.begun >= slice) {
      last = { begun: now, promptest: Infinity, latest: -Infinity, latestToDisplay: -Infinity };
      slices.push(last);
      this.tracks[kind] = slices.filter(({ begun }) => now - begun < window);
    }
    const local = now / 1000;
    last.promptest = Math.min(last.promptest, local - decode);
    last.latest = Math.max(last.latest, local - decode);
    last.latestToDisplay = Math.max(last.latestToDisplay, local - display + lookahead[kind]);
  }

  /** The buffer's edge, as its distance is measured, is at this media time now. */
  noteEdge(media: number, now: number): void {
    const edge = media - now / 1000;
    const weight = this.edge === undefined ? 1 : 1 - Math.exp((this.edgeAt - now) / 1000 / smoothing);
    this.edge = (this.edge ?? 0) + (edge - (this.edge ?? 0)) * weight;
    this.edgeAt = now;
  }

  /** Seconds between the promptest and the latest arrival of the track where they differ most. */
  jitter(now: number): number | undefined {
    const spans = this.recent(now).map((slices) => most(slices, "latest") + most(slices, "promptest", -1));
    return spans.length > 0 ? Math.max(...spans) : undefined;
  }

  /**
   * Seconds of buffer, on average, with which the latest chunk came just in time;
   * undefined while too little was seen.
   */
  need(now: number): number | undefined {
    const needs = (["video", "audio"] as const).map((kind) => this.needOf(kind, now)).filter((need) => need !== undefined);
    return needs.length > 0 ? Math.max(...needs) : undefined;
  }

  /** The same for one track. */
  needOf(kind: Kind, now: number): number | undefined {
    const slices = this.tracks[kind].filter(({ begun }) => now - begun < window);
    if (this.edge === undefined || slices.length === 0 || now - (this.begun ?? now) < evidence) {
      return undefined;
    }
    return this.edge + most(slices, "latestToDisplay");
  }

  /** Of the tracks that still come. */
  private recent(now: number): Slice[][] {
    const kept = Object.values(this.tracks).map((slices) => slices.filter(({ begun }) => now - begun < window));
    return kept.filter((slices) => slices.length > 0);
  }
}

/** The largest value of a field, or of its negative. */
function most(slices: Slice[], field: Exclude<keyof Slice, "begun">, sign = 1): number {
  return Math.max(...slices.map((each) => sign * each[field]));
}
