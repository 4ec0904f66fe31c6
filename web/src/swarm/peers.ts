import type { Identity } from "./certificate.ts";
import { PeerLink, type PeerHandler } from "./peer.ts";
import type { PeerMessage } from "./peermessage.ts";
import type { PieceID } from "./piece.ts";
import type { EdgeCandidate, Signal } from "./sessionmessage.ts";

/** What peers say before this viewer has made up its mind about them. */
const maxEarlyPeers = 32;
const maxEarlySignals = 64;
/** Milliseconds after which nobody waits for an answer any more. */
const earlyPatience = 5000;
const maxKnown = 256;

export interface PeersConfig {
  /** Own number. */
  readonly self: number;
  readonly identity: Identity;
  readonly iceServers: readonly string[];
}

/** What links tell, each with the peer's number; times in milliseconds. */
export interface PeersHandler {
  onSignal(peer: number, signal: Signal): void;
  onOpen(peer: number, roundTrip: number, took: number): void;
  onEnd(peer: number, state: "failed" | "closed", reason: string, took: number): void;
  onRoundTrip(peer: number, roundTrip: number): void;
  onMessage(peer: number, message: PeerMessage): void;
  onPiece(peer: number, id: PieceID, bytes: Uint8Array<ArrayBuffer>): void;
}

interface Early {
  readonly since: number;
  readonly signals: Signal[];
}

/** The links of one viewer, to peers that the edge made known. */
export class Peers {
  readonly links = new Map<number, PeerLink>();
  /** Bytes handed to links that have ended. */
  private sentBefore = 0;
  private readonly known = new Map<number, EdgeCandidate>();
  private readonly early = new Map<number, Early>();

  constructor(
    private readonly config: PeersConfig,
    private readonly handler: PeersHandler,
    private readonly create?: (config: RTCConfiguration) => RTCPeerConnection,
  ) {}

  candidate(peer: number): EdgeCandidate | undefined {
    return this.known.get(peer);
  }

  /** Bytes handed to all links so far. */
  get sent(): number {
    return [...this.links.values()].reduce((sum, link) => sum + link.sentBytes, this.sentBefore);
  }

  note(candidates: readonly EdgeCandidate[]): void {
    for (const candidate of candidates) {
      this.known.delete(candidate.peer);
      this.known.set(candidate.peer, candidate);
    }
    for (const peer of this.known.keys()) {
      if (this.known.size <= maxKnown) {
        return;
      }
      this.known.delete(peer);
    }
  }

  connect(peer: number): void {
    const candidate = this.known.get(peer);
    if (!candidate || this.links.has(peer)) {
      return;
    }
    const { self, identity, iceServers } = this.config;
    const { token, fingerprint, offer } = candidate;
    const { certificate } = identity;
    let link: PeerLink;
    try {
      link = new PeerLink({ peer, self, token, fingerprint, offer, certificate, iceServers }, this.handlerOf(peer), this.create);
    } catch {
      this.handler.onEnd(peer, "failed", "refused", 0); // The browser makes no more connections.
      return;
    }
    this.links.set(peer, link);
    const early = this.early.get(peer);
    this.early.delete(peer);
    early?.signals.forEach((signal) => link.take(signal));
  }

  /** What a peer said by way of the edge; it waits for connect, for a while. */
  take(peer: number, signal: Signal): void {
    const link = this.links.get(peer);
    if (link) {
      link.take(signal);
      return;
    }
    const now = performance.now();
    this.forgetEarly(now);
    const early = this.early.get(peer) ?? { since: now, signals: [] };
    if (early.signals.length < maxEarlySignals && (this.early.has(peer) || this.early.size < maxEarlyPeers)) {
      early.signals.push(signal);
      this.early.set(peer, early);
    }
  }

  close(peer: number, reason: string): void {
    this.links.get(peer)?.end(reason);
  }

  stop(reason: string): void {
    for (const link of [...this.links.values()]) {
      link.end(reason);
    }
    this.early.clear();
  }

  private forgetEarly(now: number): void {
    for (const [peer, { since }] of this.early) {
      if (now - since > earlyPatience) {
        this.early.delete(peer);
      }
    }
  }

  private handlerOf(peer: number): PeerHandler {
    const { handler } = this;
    return {
      onSignal: (signal) => handler.onSignal(peer, signal),
      onOpen: (roundTrip, took) => handler.onOpen(peer, roundTrip, took),
      onEnd: (state, reason, took) => {
        this.sentBefore += this.links.get(peer)?.sentBytes ?? 0;
        this.links.delete(peer);
        handler.onEnd(peer, state, reason, took);
      },
      onRoundTrip: (roundTrip) => handler.onRoundTrip(peer, roundTrip),
      onMessage: (message) => handler.onMessage(peer, message),
      onPiece: (id, bytes) => handler.onPiece(peer, id, bytes),
    };
  }
}
