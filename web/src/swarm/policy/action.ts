// As relay/swarm/action.go. Times are microseconds.
import type { HaveMap } from "../peermessage.ts";
import type { PieceID } from "../piece.ts";
import type { Mode } from "../sessionmessage.ts";

/** What a Viewer wants done; relay/swarm/action.go says what each kind means. */
export type Action =
  | { readonly kind: "connect"; readonly peer: number; readonly offer: boolean }
  | { readonly kind: "close"; readonly peer: number; readonly reason: string }
  | { readonly kind: "feed"; readonly subs: number; readonly id: PieceID }
  | { readonly kind: "hedge"; readonly count: number; readonly ids: readonly PieceID[] }
  | { readonly kind: "unhedge"; readonly count: number }
  | { readonly kind: "parents"; readonly parents: readonly number[] }
  | { readonly kind: "report"; readonly report: Report }
  | { readonly kind: "invalid"; readonly peer: number; readonly id: PieceID }
  | { readonly kind: "bye"; readonly reason: string }
  | { readonly kind: "sub"; readonly peer: number; readonly sub: number; readonly id: PieceID }
  | { readonly kind: "unsub"; readonly peer: number; readonly sub: number }
  | { readonly kind: "have"; readonly peer: number; readonly have: readonly HaveMap[] }
  | { readonly kind: "pull" | "cancel"; readonly peer: number; readonly ids: readonly PieceID[] }
  | { readonly kind: "refuse"; readonly peer: number; readonly reason: string; readonly sub: number; readonly ids: readonly PieceID[] }
  | { readonly kind: "leave"; readonly peer: number }
  | { readonly kind: "push"; readonly peer: number; readonly id: PieceID }
  | { readonly kind: "state"; readonly mode: Mode; readonly reason: string };

/** Counters since the last report, in bytes, and what is so now. */
export interface Report {
  readonly peerBytes: number;
  readonly edgeBytes: number;
  readonly hedgeBytes: number;
  readonly lateBytes: number;
  readonly duplicateBytes: number;
  readonly uploadBytes: number;
  readonly invalidPieces: number;
  readonly stalls: number;
  readonly lag: readonly number[];
  readonly queue: number;
  readonly uplink: number;
  readonly slots: number;
  readonly peers: readonly PeerReport[];
}

export interface PeerReport {
  readonly peer: number;
  readonly score: number;
  readonly rtt: number;
  readonly bytes: number;
}
