import { ObjectStatus } from "../moqt/codes.ts";
import type { MoqObject } from "../moqt/datastream.ts";
import type { TrackHandler } from "../moqt/subscription.ts";

export interface BeaconTrackHandler {
  onBeacon(raw: Uint8Array<ArrayBuffer>): void;
  /** A group is over, and has so many chunks. */
  onGroup(group: number, total: number): void;
  onEnd(): void;
}

/** Groups whose end is waited for. */
const maxGroups = 16;

/** The track that speaks of a video track's chunks; its groups and objects are those of the video. */
export class BeaconTrack implements TrackHandler {
  private readonly counts = new Map<number, number>();
  private over = false;

  constructor(private readonly handler: BeaconTrackHandler) {}

  onObject({ group, object, payload, status }: MoqObject): void {
    if (this.over || status !== ObjectStatus.Normal) {
      return;
    }
    this.counts.set(group, Math.max(this.counts.get(group) ?? 0, object + 1));
    const [oldest] = this.counts.keys();
    if (this.counts.size > maxGroups && oldest !== undefined) {
      this.counts.delete(oldest);
    }
    this.handler.onBeacon(payload);
  }

  onGroupEnd(group: number, complete: boolean): void {
    const total = this.counts.get(group);
    if (complete && total !== undefined && !this.over) {
      this.handler.onGroup(group, total);
    }
  }

  onEnd(): void {
    this.stop();
    this.handler.onEnd();
  }

  /** What still comes is forgotten. */
  stop(): void {
    this.over = true;
  }

  onSubscribed(): void {}
  onGroupOpen(): void {}
  onJoined(): void {}
}
