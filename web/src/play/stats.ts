import type { SwarmStats } from "../swarm/stats.ts";

export type TransportName = "moq" | "hls" | "native-hls";

/** WebSocket is for networks that let no UDP through, and browsers without WebTransport. */
export type Carrier = "webtransport" | "websocket";

export type PlayerState =
  /** Not connected yet. */
  | "connecting"
  /** Connected, and the broadcast is not live: it starts by itself. */
  | "waiting"
  | "playing"
  /** The connection was lost; what is buffered plays on. */
  | "reconnecting"
  /** No transport of this browser and server works. */
  | "failed"
  | "stopped";

/** A snapshot; times in milliseconds, null while unknown. */
export interface PlayerStats {
  readonly state: PlayerState;
  readonly transport: TransportName | null;
  /** What MoQ goes over. */
  readonly carrier: Carrier | null;
  /** The MoQT protocol, such as "moqt-18". */
  readonly draft: string | null;
  /** Encoder output to display, "prft" being measured and "hls" from PROGRAM-DATE-TIME. */
  readonly latency: number | null;
  readonly latencySource: "prft" | "program-date-time" | null;
  /**
   * Media ahead of the playhead, in all tracks and in each. The target is held by
   * the picture; sound, which comes in steps of 0.1 s, may be as much behind.
   */
  readonly bufferAhead: number;
  readonly buffer: { readonly video: number | null; readonly audio: number | null };
  readonly targetBuffer: number;
  /**
   * What the arrivals of a track ask for, without any margin: the latest chunk of the
   * last ten seconds just in time. With an adaptive target the larger one counts.
   */
  readonly needed: { readonly video: number | null; readonly audio: number | null };
  /** By how much more the latest chunk of a track was late than the promptest, in the last ten seconds. */
  readonly jitter: number | null;
  readonly playbackRate: number;
  /** Bits of media a second, over the last two seconds. */
  readonly bitrate: number;
  readonly receivedBytes: number;
  readonly droppedGroups: number;
  readonly stalls: number;
  readonly stallTime: number;
  /** Seeks of the player itself: over gaps, and back to the live edge. */
  readonly jumps: number;
  /** From start to the first picture. */
  readonly joinTime: number | null;
  readonly reconnects: number;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  readonly width: number;
  readonly height: number;
  readonly droppedFrames: number;
  /** Null where the broadcast has no swarm, or this transport knows none. */
  readonly swarm: SwarmStats | null;
}
