import type { Kind } from "./catalog.ts";
import { TrackBuffer } from "./trackbuffer.ts";

/** Safari on iPhone has ManagedMediaSource only; TypeScript's DOM knows neither name on window. */
type MediaSourceClass = typeof MediaSource;

function mediaSourceClass(): MediaSourceClass | undefined {
  const scope = globalThis as { ManagedMediaSource?: MediaSourceClass; MediaSource?: MediaSourceClass };
  return scope.MediaSource ?? scope.ManagedMediaSource;
}

export function mediaSourceSupported(): boolean {
  return mediaSourceClass() !== undefined;
}

export function typeSupported(mime: string): boolean {
  return mediaSourceClass()?.isTypeSupported(mime) ?? false;
}

/** Seconds kept behind the playhead, and at most held in all. */
const keepBehind = 4;
const keepTotal = 30;

/**
 * A MediaSource on a video element, with one buffer a kind. All kinds are named
 * at its opening, as browsers take no more once they know the first.
 */
export class MediaSink {
  private constructor(
    private readonly video: HTMLVideoElement,
    private readonly url: string,
    private readonly buffers: ReadonlyMap<Kind, TrackBuffer>,
  ) {}

  static async open(
    video: HTMLVideoElement,
    types: ReadonlyMap<Kind, string>,
    onError: (error: Error) => void,
  ): Promise<MediaSink> {
    const Source = mediaSourceClass();
    if (!Source) {
      throw new Error("this browser has no MediaSource");
    }
    const source = new Source();
    const url = URL.createObjectURL(source);
    // ManagedMediaSource wants an answer to AirPlay before it opens.
    video.disableRemotePlayback = true;
    const opened = new Promise((resolve) => source.addEventListener("sourceopen", resolve, { once: true }));
    video.src = url;
    await opened;
    const buffers = new Map<Kind, TrackBuffer>();
    for (const [kind, mime] of types) {
      buffers.set(kind, new TrackBuffer(source.addSourceBuffer(mime), () => video.currentTime, onError));
    }
    source.duration = Infinity;
    return new MediaSink(video, url, buffers);
  }

  get kinds(): Kind[] {
    return [...this.buffers.keys()];
  }

  buffer(kind: Kind): TrackBuffer | undefined {
    return this.buffers.get(kind);
  }

  /** The end of what is buffered of a kind. */
  end(kind: Kind): number | undefined {
    return this.buffers.get(kind)?.ranges.at(-1)?.[1];
  }

  /** The end of what is buffered of whichever kind reaches furthest. */
  get latestEnd(): number | undefined {
    const ends = this.kinds.flatMap((kind) => this.end(kind) ?? []);
    return ends.length > 0 ? Math.max(...ends) : undefined;
  }

  /** Drops what was played, and in a paused element what became too much. */
  trim(): void {
    for (const buffer of this.buffers.values()) {
      const { ranges } = buffer;
      const start = ranges[0]?.[0] ?? 0;
      const end = ranges.at(-1)?.[1] ?? 0;
      const limit = Math.max(this.video.currentTime - keepBehind, end - keepTotal);
      if (limit - start > keepBehind) {
        buffer.removeBefore(limit);
      }
    }
  }

  close(): void {
    for (const buffer of this.buffers.values()) {
      buffer.close();
    }
    if (this.video.src === this.url) {
      this.video.removeAttribute("src");
      this.video.load();
    }
    URL.revokeObjectURL(this.url);
  }
}
