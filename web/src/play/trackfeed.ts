import type { CatalogTrack, Kind } from "../media/catalog.ts";
import { type ChunkInfo, parseChunk, parseTimescale } from "../media/chunk.ts";
import type { MediaSink } from "../media/sink.ts";
import type { MoqObject } from "../moqt/datastream.ts";
import type { Session } from "../moqt/session.ts";
import type { Subscription, TrackEnd, TrackHandler } from "../moqt/subscription.ts";
import { Cover } from "./cover.ts";
import { BitrateMeter } from "./meter.ts";
import { Sequencer } from "./sequencer.ts";

interface Item {
  readonly track: CatalogTrack;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly chunk: ChunkInfo;
}

export interface FeedHandler {
  /** A chunk with a producer reference: media in seconds, wall in Unix milliseconds. */
  onProducer(media: number, wall: number): void;
  /** A chunk goes into the buffer that is decoded and displayed from these times on, in seconds. */
  onChunk(kind: Kind, decode: number, display: number): void;
  onTrackEnd(track: CatalogTrack, end: TrackEnd): void;
  /** How far (seconds of decode time) the media of the other kind goes. */
  otherEnd(): number | undefined;
  /** Media was lost, and something stands in for it. */
  onCovered(): void;
}

/** Where the chunks of a track go that come another way than by subscription. */
export interface Inlet {
  /** A group begins, all of which will come. */
  open(group: number): void;
  push(group: number, object: number, payload: Uint8Array<ArrayBuffer>): void;
  /** complete is false when objects of it will be missing for good. */
  end(group: number, complete: boolean): void;
}

/** What a track's inlet brings in place of its subscription: everything from a group on. */
interface Diversion {
  readonly track: CatalogTrack;
  readonly group: number;
  /** Groups that the inlet has begun and not ended. */
  readonly inlet: Set<number>;
}

/** The end of the last group before a diversion may come behind its beginning, by so much (milliseconds). */
const divertReordering = 300;
const divertPatience = 2000;

/** The track that ends and the one that follows it, with some to spare. */
const maxSubscriptions = 4;
/** Streams may arrive so long (milliseconds) after PUBLISH_DONE, section 10.11. */
const lateStreams = 5000;

/** Milliseconds without media after which something stands in for it, if the other kind goes on. */
const absence = 1000;
/** That much (seconds) must be buffered for the late media to be waited for. */
const reserve = 0.3;
/** At most so many seconds are filled before media that is there again, and before the other kind's end. */
const longestHole = 1.5;
/** A hole up to here (seconds) is filled in any case: a seek costs more. */
const briefHole = 0.1;
const longestAbsence = 3;
/** Who was away for less (milliseconds) goes on behind the last object. */
const briefAbsence = 2000;

/** Video waits for nobody: sound that breaks off is noticed first. */
const priorities: Record<Kind, number> = { audio: 96, video: 128 };

/**
 * Brings all tracks that follow each other as one kind (video, video.2, ...) into
 * its source buffer: their group IDs rise across the change, so one sequencer
 * orders them, and the new header goes in before the new track's first chunk.
 */
export class TrackFeed {
  droppedGroups = 0;
  /** Bytes that came by subscriptions. */
  plainBytes = 0;
  readonly bitrate = new BitrateMeter();
  private readonly sequencer: Sequencer<Item>;
  private readonly subscriptions = new Map<string, Subscription>();
  private current: CatalogTrack | undefined;
  private timescale = 1;
  private connection = 0;
  private sink: MediaSink | undefined;
  private readonly cover = new Cover();
  private deliveredAt = 0;
  private diversion: Diversion | undefined;
  /** Groups that come on a stream of a subscription, and whether a joining fetch is under way. */
  private readonly streams = new Set<number>();
  private joining = false;
  /** Something stands in, to which pictures within a group cannot refer. */
  private covering = false;

  constructor(
    readonly kind: Kind,
    private readonly handler: FeedHandler,
  ) {
    this.sequencer = new Sequencer<Item>({
      deliver: (item, _, object) => this.deliver(item, object === 0),
      dropped: (group) => this.drop(group),
      contiguous: (before, after) => before.track === after.track && follows(before.chunk, after.chunk),
    });
  }

  get codec(): string | null {
    return this.current?.codec ?? null;
  }

  /** How far the media goes, in seconds of decode time. */
  get end(): number | undefined {
    return this.cover.end;
  }

  /** A new sink knows no header yet. */
  attach(sink: MediaSink): void {
    this.sink = sink;
    this.current = undefined;
  }

  /** A new connection: the subscriptions of the last one are gone. */
  reset(): void {
    this.connection++;
    this.subscriptions.clear();
    this.diversion = undefined;
    this.streams.clear();
    this.joining = false;
    this.sequencer.reset();
  }

  /** A track is subscribed to, or comes by an inlet. */
  has(track: CatalogTrack): boolean {
    return this.subscriptions.has(track.name) || this.diversion?.track.name === track.name;
  }

  /**
   * From the start of a group on a track comes by the inlet that is returned. Its
   * subscription goes on for the groups before, and ends when these are through.
   */
  divert(session: Session, track: CatalogTrack, group: number): Inlet {
    const diversion: Diversion = { track, group, inlet: new Set() };
    this.diversion = diversion;
    this.subscriptions.get(track.name)?.abandonGroup(group);
    this.unsubscribeLater(session, diversion, performance.now());
    return this.inletOf(track, diversion);
  }

  /** Ends the subscription of a diverted track when nothing before the diversion is under way any more. */
  private unsubscribeLater(session: Session, diversion: Diversion, begun: number): void {
    setTimeout(() => {
      const { name } = diversion.track;
      const subscription = this.subscriptions.get(name);
      if (!subscription || this.diversion !== diversion) {
        return;
      }
      const busy = this.joining || [...this.streams].some((group) => group < diversion.group);
      if (busy && performance.now() - begun < divertPatience) {
        this.unsubscribeLater(session, diversion, begun);
        return;
      }
      this.subscriptions.delete(name);
      session.unsubscribe(subscription);
    }, divertReordering);
  }

  /** The track is subscribed to again, from the next object on; its inlet may go on until then. */
  rejoin(session: Session, namespace: readonly string[], track: CatalogTrack): void {
    const { diversion } = this;
    this.diversion = undefined;
    const from = this.sequencer.next;
    const old = this.subscriptions.get(track.name);
    if (old) {
      this.subscriptions.delete(track.name);
      session.unsubscribe(old);
    }
    const request = { namespace, track: track.name, priority: priorities[this.kind], from };
    this.subscriptions.set(track.name, session.subscribe(request, this.handlerFor(session, track, 0, from && diversion)));
  }

  private inletOf(track: CatalogTrack, diversion: Diversion): Inlet {
    return {
      open: (group) => {
        if (!diversion.inlet.has(group)) {
          diversion.inlet.add(group);
          this.sequencer.open(group);
        }
      },
      push: (group, object, payload) => this.receive(track, { group, object, payload }),
      end: (group, complete) => {
        if (diversion.inlet.delete(group)) {
          this.sequencer.end(group, complete, performance.now());
        }
      },
    };
  }

  /** Subscribes to a track unless it is subscribed already. */
  subscribe(session: Session, namespace: readonly string[], track: CatalogTrack): void {
    if (this.has(track)) {
      return;
    }
    // Over a change of connection the end of the group that played is wanted, too.
    const groupsBack = this.sequencer.resumable && performance.now() - this.deliveredAt < briefAbsence ? 1 : 0;
    const request = { namespace, track: track.name, priority: priorities[this.kind], groupsBack };
    this.subscriptions.set(track.name, session.subscribe(request, this.handlerFor(session, track, groupsBack)));
    this.limitSubscriptions(session);
  }

  /** Gives up what is late by more than patience (milliseconds). */
  poll(now: number, patience: number): void {
    this.sequencer.drain(now, patience);
  }

  /**
   * Streams of a lost connection end late: their news must not touch the next one.
   * after: the diversion that the subscription takes over from.
   */
  private handlerFor(session: Session, track: CatalogTrack, groupsBack: number, after?: Diversion | undefined): TrackHandler {
    let joining: number | undefined;
    const { connection } = this;
    const current = <A extends unknown[]>(handle: (...args: A) => void) => (...args: A) => {
      if (connection === this.connection) {
        handle(...args);
      }
    };
    return {
      onSubscribed: current((ok) => {
        if (!after) {
          joining = ok.largest?.group;
          this.joining = joining !== undefined;
          this.sequencer.join(joining, groupsBack);
        }
      }),
      onObject: current((object) => {
        this.plainBytes += object.payload.length;
        if (!this.isDiverted(track, object.group)) {
          this.receive(track, object);
        }
      }),
      onGroupOpen: current((group) => {
        if (this.isDiverted(track, group)) {
          this.subscriptions.get(track.name)?.abandonGroup(group);
          return;
        }
        this.streams.add(group);
        this.sequencer.open(group);
        if (after?.inlet.delete(group)) {
          this.sequencer.end(group, true, performance.now());
        }
      }),
      onGroupEnd: current((group, complete) => {
        if (this.streams.delete(group)) {
          this.sequencer.end(group, complete || this.isDiverted(track, group), performance.now());
        }
      }),
      onJoined: current((complete) => {
        this.joining = false;
        if (joining !== undefined) {
          this.sequencer.joined(joining, complete, performance.now(), groupsBack);
        }
      }),
      onEnd: current((end) => this.finish(session, track, end)),
    };
  }

  /** The catalog decides whether the track goes on: it is asked for again if named. */
  private finish(session: Session, track: CatalogTrack, end: TrackEnd): void {
    const subscription = this.subscriptions.get(track.name);
    this.subscriptions.delete(track.name);
    if (subscription) {
      setTimeout(() => session.unsubscribe(subscription), lateStreams);
    }
    this.handler.onTrackEnd(track, end);
  }

  private limitSubscriptions(session: Session): void {
    for (const [name, subscription] of this.subscriptions) {
      if (this.subscriptions.size <= maxSubscriptions) {
        return;
      }
      this.subscriptions.delete(name);
      session.unsubscribe(subscription);
    }
  }

  /** The inlet brings this group, not the subscription. */
  private isDiverted(track: CatalogTrack, group: number): boolean {
    return this.diversion !== undefined && this.diversion.track.name === track.name && group >= this.diversion.group;
  }

  private receive(track: CatalogTrack, object: Pick<MoqObject, "group" | "object" | "payload">): void {
    const { payload } = object;
    const chunk = parseChunk(payload);
    if (!chunk) {
      return;
    }
    const now = performance.now();
    this.bitrate.add(payload.length, now);
    this.sequencer.push(object.group, object.object, { track, payload, chunk }, payload.length, now);
  }

  /**
   * Stands in for media that stays away while the other kind goes on; playhead:
   * where playback is, undefined before its start.
   */
  coverAbsence(now: number, playhead: number | undefined): void {
    const other = this.handler.otherEnd();
    const { end } = this;
    const pressing = playhead === undefined || (end !== undefined && end < playhead + reserve);
    if (other !== undefined && pressing && now - this.deliveredAt >= absence) {
      this.fill(other, longestAbsence);
    }
  }

  private fill(until: number, longest: number): void {
    const chunk = this.current && this.cover.fill(until, longest);
    if (chunk) {
      this.covering = true;
      this.sink?.buffer(this.kind)?.append(chunk);
      this.handler.onCovered();
    }
  }

  private deliver({ track, payload, chunk }: Item, random: boolean): void {
    const buffer = this.sink?.buffer(this.kind);
    if (!buffer) {
      return;
    }
    this.deliveredAt = performance.now();
    const changed = !this.current || !sameHeader(this.current, track);
    if (changed) {
      this.change(track);
    } else if (random || this.kind === "audio") {
      this.fillBefore(Number(chunk.decodeTime) / this.timescale);
    } else if (this.covering) {
      return;
    }
    this.noteProducer(chunk);
    this.covering = false;
    buffer.append(payload);
    this.noteArrival(chunk);
    if (random) {
      buffer.noteRandomAccess(Number(chunk.decodeTime) / this.timescale);
    }
    this.cover.note(payload, chunk, random || this.kind === "audio");
  }

  /** A hole is filled if the other kind has media for it; else playback jumps over it. */
  private fillBefore(start: number): void {
    const end = this.end ?? start;
    const other = this.handler.otherEnd() ?? end;
    const hole = start - end;
    if (hole <= briefHole || (hole <= longestHole && other - end > hole / 2)) {
      this.fill(start, longestHole);
    }
  }

  private change(track: CatalogTrack): void {
    const buffer = this.sink?.buffer(this.kind);
    if (this.current && this.current.mime !== track.mime) {
      buffer?.changeType(track.mime);
    }
    buffer?.append(track.header);
    this.current = track;
    this.timescale = parseTimescale(track.header) ?? 1;
    this.cover.begin(track, this.timescale);
  }

  private noteProducer(chunk: ChunkInfo): void {
    if (chunk.producer) {
      this.handler.onProducer(Number(chunk.producer.mediaTime) / this.timescale, chunk.producer.wallClock);
    }
  }

  private noteArrival(chunk: ChunkInfo): void {
    const decode = Number(chunk.decodeTime) / this.timescale;
    this.handler.onChunk(this.kind, decode, decode + chunk.composition / this.timescale);
  }

  private drop(group: number): void {
    this.droppedGroups++;
    for (const subscription of this.subscriptions.values()) {
      subscription.abandonGroup(group);
    }
  }
}

/** The decode time of a chunk is the sum of all durations before it. */
function follows(before: ChunkInfo, after: ChunkInfo): boolean {
  const gap = Number(after.decodeTime - before.decodeTime) - before.duration;
  return before.duration > 0 && Math.abs(gap) * 2 < before.duration;
}

/** A header sets the buffer back to its next key frame, so it is sent once. */
function sameHeader(a: CatalogTrack, b: CatalogTrack): boolean {
  return a === b || (a.mime === b.mime && a.header.length === b.header.length && a.header.every((v, i) => v === b.header[i]));
}
