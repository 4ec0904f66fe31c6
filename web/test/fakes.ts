/** Buffered ranges as a browser shows them. */
export function timeRanges(ranges: readonly (readonly [number, number])[]): TimeRanges {
  const at = (index: number): readonly [number, number] => {
    const range = ranges[index];
    if (!range) {
      throw new DOMException("no such range", "IndexSizeError");
    }
    return range;
  };
  return { length: ranges.length, start: (index) => at(index)[0], end: (index) => at(index)[1] };
}

/** As much of a video element as keeps time. */
export class FakeVideo {
  ranges: [number, number][] = [];
  paused = false;
  seeking = false;
  ended = false;
  /** HAVE_ENOUGH_DATA */
  readyState = 4;
  playbackRate = 1;
  readonly seeks: number[] = [];
  private time = 0;

  get buffered(): TimeRanges {
    return timeRanges(this.ranges);
  }

  get currentTime(): number {
    return this.time;
  }

  set currentTime(to: number) {
    this.seeks.push(to);
    this.time = to;
    this.seeking = this.rangeAt(to) === undefined;
  }

  /** Plays for so many seconds, as far as there is media. */
  play(seconds: number): void {
    const range = this.rangeAt(this.time);
    if (range && !this.paused) {
      this.seeking = false;
      this.time = Math.min(range[1], this.time + seconds * this.playbackRate);
    }
  }

  private rangeAt(time: number): [number, number] | undefined {
    return this.ranges.find(([start, end]) => time >= start && time <= end);
  }
}

/** A SourceBuffer that keeps a log and finishes an operation when told to. */
export class FakeSourceBuffer extends EventTarget {
  mode = "";
  updating = false;
  ranges: [number, number][] = [];
  readonly log: string[] = [];
  /** Thrown by the next append. */
  refusal: Error | undefined;

  get buffered(): TimeRanges {
    return timeRanges(this.ranges);
  }

  appendBuffer(data: Uint8Array): void {
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal) {
      throw refusal;
    }
    this.begin(`append ${[...data].join(" ")}`);
  }

  remove(start: number, end: number): void {
    this.begin(`remove ${start} ${end}`);
  }

  changeType(mime: string): void {
    this.log.push(`type ${mime}`);
  }

  finish(): void {
    this.updating = false;
    this.dispatchEvent(new Event("updateend"));
  }

  private begin(entry: string): void {
    if (this.updating) {
      throw new DOMException("updating", "InvalidStateError");
    }
    this.updating = true;
    this.log.push(entry);
  }
}
