import type { SwarmSettings } from "../swarm/settings.ts";
import type { PlayerConfig, Address } from "./config.ts";
import type { ServerClock } from "./clock.ts";
import type { Edges } from "./edges.ts";
import type { PlayerState, PlayerStats, TransportName } from "./stats.ts";

/** The figures that depend on the transport. */
export type EngineStats = Pick<
  PlayerStats,
  | "carrier"
  | "draft"
  | "latency"
  | "latencySource"
  | "bufferAhead"
  | "buffer"
  | "targetBuffer"
  | "needed"
  | "jitter"
  | "bitrate"
  | "receivedBytes"
  | "droppedGroups"
  | "stalls"
  | "stallTime"
  | "jumps"
  | "reconnects"
  | "videoCodec"
  | "audioCodec"
  | "swarm"
>;

export interface EngineHost {
  readonly video: HTMLVideoElement;
  readonly config: PlayerConfig;
  readonly address: Address;
  /** Where the broadcast can be had; the address has only the first of them. */
  readonly edges: Edges;
  readonly clock: ServerClock;
  /** What the viewer allows of passing video on. */
  readonly swarm: SwarmSettings;
  state(): PlayerState;
  /** A new state, with words for people. */
  report(state: PlayerState, message: string): void;
  /** Media is there: the picture may start. */
  play(): void;
  /**
   * This transport does not work here; another may. `before` is what plays on from the
   * buffer until the other one is ready; without it the engine is stopped at once.
   */
  giveUp(reason: string, before?: Predecessor): void;
}

/** What feeds the element until another engine, or another edge, takes over where it is then. */
export interface Predecessor {
  /** What is displayed now, as Unix milliseconds on the broadcast's timeline. */
  date(): number | undefined;
  /** Lets go of the element. */
  release(): void;
}

/** One way to bring a broadcast into the video element. */
export interface Engine {
  readonly name: TransportName;
  start(): void;
  stop(): void;
  stats(): EngineStats;
}
