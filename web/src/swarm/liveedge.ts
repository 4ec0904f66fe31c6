/** Seconds over which the edge is smoothed. */
const smoothing = 2;
/** Without a beacon for so long (milliseconds) nothing is known of the edge. */
const fresh = 1000;
/** The media's clock was set anew, or the encoder came back: what was known says nothing. */
const jump = 1;
/** Chunks whose decoding is compared. */
const window = 100;
/** What decoders and the buffer take (seconds) before a picture is shown. */
const decoding = 0.06;

/** Where the live edge is, by the beacons: each comes when its chunk has reached the edge. */
export class LiveEdge {
  /** Media time of the edge less local time, seconds. */
  private offset: number | undefined;
  private at = 0;
  private readonly spans: number[] = [];

  /** A beacon of a chunk with this presentation time (seconds) came; now in milliseconds. */
  note(media: number, now: number): void {
    const offset = media - now / 1000;
    const known = this.offset !== undefined && Math.abs(offset - this.offset) < jump;
    const weight = known ? 1 - Math.exp((this.at - now) / 1000 / smoothing) : 1;
    this.offset = (known ? (this.offset ?? 0) : 0) * (1 - weight) + offset * weight;
    this.at = now;
  }

  /** The media time (seconds) of the edge; undefined: unknown. */
  edge(now: number): number | undefined {
    return this.offset === undefined || now - this.at > fresh ? undefined : this.offset + now / 1000;
  }

  /** A chunk is decoded and displayed from these times (seconds) on. */
  noteChunk(decode: number, display: number): void {
    this.spans.push(display - decode);
    if (this.spans.length > window) {
      this.spans.shift();
    }
  }

  /**
   * Seconds before its display that a chunk is needed: pictures that refer to it may be
   * shown before it.
   */
  get lead(): number {
    return decoding + (this.spans.length > 0 ? Math.max(...this.spans) - Math.min(...this.spans) : 0);
  }
}
