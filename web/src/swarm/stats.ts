/** How much of the swarm this viewer takes part in (docs/swarm-protocol.md, `mode`). */
export type SwarmMode =
  /** Takes from peers and gives to them. */
  | "on"
  /** Takes from peers, gives nothing. */
  | "receive"
  /** The edge feeds everything. */
  | "edge";

/** What the viewer said to passing video on; "unset" plays from the edge alone. */
export type Consent = "unset" | "granted" | "denied";

/** Whether people are to be asked: first, not at all as they may be presumed to agree, or not as nobody shares. */
export const askings = ["ask", "allow", "off"] as const;

export type Asking = (typeof askings)[number];

/** Why the mode is less than "on": the protocol's words. */
export const swarmReasons = [
  "consent",
  "cellular",
  "saveData",
  "battery",
  "hidden",
  "network",
  "control",
  "small",
  "breaker",
  "killed",
  "banned",
  "operator",
  "unsupported",
  "reserve",
  "budget",
] as const;

export type SwarmReason = (typeof swarmReasons)[number];

/** Another viewer with whom a connection is open, or about to be. */
export interface SwarmPeer {
  /** Its number in the swarm, from 1; the edge is 0 and is not listed. */
  readonly peer: number;
  readonly state: "connecting" | "open";
  /** In the same network or region. */
  readonly near: boolean;
  /** Sub-streams that it feeds here, and that are fed to it from here. */
  readonly gives: readonly number[];
  readonly takes: readonly number[];
  /** -100 to 100. */
  readonly score: number;
  /** Milliseconds. */
  readonly roundTrip: number | null;
  /** Bytes of verified pieces from it, and of pieces to it. */
  readonly received: number;
  readonly sent: number;
}

/**
 * What the swarm does for and by this viewer, a snapshot. Counters are in bytes of
 * video since the player's start, times in milliseconds, rates in bit/s over the
 * last two seconds.
 */
export interface SwarmStats {
  readonly mode: SwarmMode;
  /** Null while the mode is "on", and before the edge has answered. */
  readonly reason: SwarmReason | null;
  readonly consent: Consent;
  /** What the edge's operator decided for viewers of this country; null before it is known. */
  readonly ask: Asking | null;
  /** One of those who get everything from the edge, for comparison. */
  readonly control: boolean;
  /** T: media is displayed so long after it reached the edge. */
  readonly delay: number;
  /** Own number in the swarm; null before the edge gave one. */
  readonly self: number | null;
  /** Who feeds each sub-stream: a peer's number, 0 the edge. Its length is K. */
  readonly parents: readonly number[];
  /** p90 of how much pieces of each sub-stream are behind their beacon. */
  readonly lag: readonly (number | null)[];
  readonly peers: readonly SwarmPeer[];
  /** Verified and on time, by peers; all that the edge sent; what of it was asked for by hedges. */
  readonly peerBytes: number;
  readonly edgeBytes: number;
  readonly hedgeBytes: number;
  readonly lateBytes: number;
  readonly duplicateBytes: number;
  readonly uploadBytes: number;
  readonly invalidPieces: number;
  /** Times that the edge was asked for missing pieces. */
  readonly hedges: number;
  /** Share of the video that came from peers in the last ten seconds, 0 to 1; null without video. */
  readonly offload: number | null;
  readonly peerRate: number;
  readonly uploadRate: number;
  /** Estimate of the whole uplink; 0 while unknown. */
  readonly uplink: number;
  /** What may be uploaded at most, by the viewer's, the operator's and the edge's rule; 0 while unknown. */
  readonly cap: number;
  /** Children that it may have. */
  readonly slots: number;
}
