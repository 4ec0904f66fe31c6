import type { CatalogTrack } from "../media/catalog.ts";
import type { ChunkInfo } from "../media/chunk.ts";
import { type FirstSample, firstSample } from "../media/firstsample.ts";
import { silence } from "../media/silence.ts";
import { chunkOf } from "../media/standin.ts";

/** Seconds a repeated picture lasts: decoders hold some pictures back, so that long ones would come late. */
const pictureDuration = 0.05;
/** A hole up to here (seconds) is none: durations are predictions. */
const tolerance = 0.01;

/**
 * Stands in for lost media of one kind, so that the other can go on: the last
 * random access picture is repeated, or silence is played. All media must pass
 * through note() in order.
 */
export class Cover {
  private track: CatalogTrack | undefined;
  private timescale = 1;
  /** Where the media has come to, in the track's timescale. */
  private endTicks: number | undefined;
  private model: (FirstSample & { readonly duration: number }) | undefined;

  /** A header went in: what came before it cannot be repeated behind it. */
  begin(track: CatalogTrack, timescale: number): void {
    this.track = track;
    this.timescale = timescale;
    this.model = undefined;
  }

  /** Decode time in seconds. */
  get end(): number | undefined {
    return this.endTicks === undefined ? undefined : this.endTicks / this.timescale;
  }

  /** A chunk goes in; random: it begins with a random access point. */
  note(payload: Uint8Array, chunk: ChunkInfo, random: boolean): void {
    this.endTicks = Number(chunk.decodeTime) + chunk.duration;
    if (random && this.track) {
      const sample = firstSample(payload);
      this.model = sample && this.modelOf(this.track, sample, chunk.duration / sample.samples);
    }
  }

  /** What fills the time up to a decode time, from at most `longest` seconds before it. */
  fill(until: number, longest: number): Uint8Array<ArrayBuffer> | undefined {
    const { model, endTicks } = this;
    const last = Math.floor(until * this.timescale);
    const start = Math.max(endTicks ?? last, last - Math.round(longest * this.timescale));
    if (!model || last - start <= tolerance * this.timescale || !(model.duration >= 1)) {
      return undefined;
    }
    const count = Math.ceil((last - start) / model.duration);
    // Pictures share the time evenly; sound has frames of one length, and the real one cuts the last.
    const duration = this.track?.kind === "video" ? Math.ceil((last - start) / count) : model.duration;
    this.endTicks = start + duration * count;
    const { trackId, composition, data } = model;
    return chunkOf({ trackId, composition, data, decodeTime: BigInt(start), duration, count });
  }

  private modelOf(track: CatalogTrack, sample: FirstSample, duration: number): typeof this.model {
    if (track.kind === "video") {
      return { ...sample, duration: Math.round(pictureDuration * this.timescale) };
    }
    const data = silence(track.codec, track.channels);
    return data && { ...sample, data, composition: 0, duration: opusFrame(track, this.timescale) ?? Math.round(duration) };
  }
}

/** The silence of Opus is a frame of 20 ms, whatever the track's frames last. */
function opusFrame(track: CatalogTrack, timescale: number): number | undefined {
  return track.codec.toLowerCase() === "opus" ? timescale / 50 : undefined;
}
