// As relay/swarm/event.go and params.go. All times are microseconds: whole numbers.
import type { HaveMap } from "../peermessage.ts";
import type { PieceID } from "../piece.ts";
import type { Mode } from "../sessionmessage.ts";

export interface Params {
  /** T: how long after a chunk reached the edge it is displayed. */
  readonly delay: number;
  /** K. */
  readonly subs: number;
  readonly depth: number;
  /** G: how long before the hedge a gap is asked for at a neighbour. */
  readonly gapPull: number;
  /** H: how long before its deadline a piece is asked for at the edge. */
  readonly hedgeStart: number;
  readonly hedgeMin: number;
  readonly hedgeMax: number;
  /** f: how much of a measured uplink is used. */
  readonly share: number;
  /** Of upload: so many times the bitrate, and so many bit/s. */
  readonly capFactor: number;
  readonly cap: number;
}

/** For a delay of one second. */
export const defaultParams: Params = {
  delay: 1_000_000,
  subs: 8,
  depth: 4,
  gapPull: 150_000,
  hedgeStart: 200_000,
  hedgeMin: 150_000,
  hedgeMax: 400_000,
  share: 0.4,
  capFactor: 2,
  cap: 8_000_000,
};

/** A peer that the edge made known. */
export interface Candidate {
  readonly peer: number;
  /** Not in a tree: have-maps are exchanged. */
  readonly standby: boolean;
  /** This side makes the offer. */
  readonly offer: boolean;
  readonly near: boolean;
  /** Equal numbers, equal class. */
  readonly prefix: number;
  readonly asn: number;
}

/** What a Viewer is told; relay/swarm/event.go says what each kind means. */
export type Event =
  | { readonly kind: "welcome"; readonly self: number; readonly mode: Mode; readonly reason: string; readonly params: Params }
  | { readonly kind: "mode"; readonly mode: Mode; readonly reason: string }
  | { readonly kind: "delay"; readonly delay: number }
  | { readonly kind: "slots"; readonly count: number }
  | { readonly kind: "candidates"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "assign"; readonly sub: number; readonly peer: number; readonly child: number }
  | { readonly kind: "drop"; readonly peer: number; readonly reason: string; readonly delay: number }
  | { readonly kind: "beacon"; readonly id: PieceID; readonly sizes: readonly number[]; readonly pts: number }
  | { readonly kind: "piece"; readonly peer: number; readonly id: PieceID; readonly size: number; readonly hedged: boolean }
  | { readonly kind: "invalid"; readonly peer: number; readonly id: PieceID }
  | { readonly kind: "playout"; readonly offset: number }
  | { readonly kind: "stall" }
  | { readonly kind: "open"; readonly peer: number; readonly rtt: number }
  | { readonly kind: "failed" | "closed"; readonly peer: number; readonly reason: string }
  | { readonly kind: "rtt"; readonly peer: number; readonly rtt: number }
  | { readonly kind: "queue"; readonly peer: number; readonly size: number }
  | { readonly kind: "uplink"; readonly rate: number }
  | { readonly kind: "hedgeDone"; readonly count: number }
  | { readonly kind: "tick" }
  | { readonly kind: "leave"; readonly peer: number }
  | Said;

/** What a peer said. */
export type Said =
  | { readonly kind: "sub"; readonly peer: number; readonly sub: number; readonly id: PieceID }
  | { readonly kind: "unsub"; readonly peer: number; readonly sub: number }
  | { readonly kind: "have"; readonly peer: number; readonly have: readonly HaveMap[] }
  | { readonly kind: "pull" | "cancel"; readonly peer: number; readonly ids: readonly PieceID[] }
  | Refused;

/** Of a SUB when there are no ids. */
export interface Refused {
  readonly kind: "refuse";
  readonly peer: number;
  readonly reason: string;
  readonly sub: number;
  readonly ids: readonly PieceID[];
}
