import { WireError } from "../wire/varint.ts";
import { PieceAssembly } from "./assembly.ts";
import { acceptable } from "./certificate.ts";
import { PeerType, controlChannel, piecesChannel, version } from "./codes.ts";
import { type PeerMessage, encodePeerMessage, maxPart, parsePeerMessage } from "./peermessage.ts";
import type { PieceID } from "./piece.ts";
import type { Signal } from "./sessionmessage.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A connection that is not open so long (milliseconds) after its first signal, or after it was asked for, is given up. */
const signalledPatience = 3000;
const silentPatience = 5000;
const pingInterval = 500;
/** Without an answer to any PING for so long the peer is gone. */
const pongPatience = 4000;
/** ICE may find another way meanwhile. */
const disconnectedPatience = 2000;
/** What may wait to be sent to one peer: what comes on top is of no use to it in time. */
const maxQueued = 1 << 20;
/** Candidates that may come before the description that they belong to. */
const maxEarly = 64;
/** Messages that may come before the round trip is known. */
const maxUnopened = 64;
/** What a peer may send: messages a second, and at once. */
const controlRate = { perSecond: 100, burst: 200 };
const piecesRate = { perSecond: 1100, burst: 2200 };

export interface PeerConfig {
  /** Its number and ours. */
  readonly peer: number;
  readonly self: number;
  readonly token: string;
  /** The edge vouches for it. */
  readonly fingerprint: string;
  /** This side makes the offer. */
  readonly offer: boolean;
  readonly certificate: RTCCertificate;
  readonly iceServers: readonly string[];
}

/** What a link tells; times in milliseconds. */
export interface PeerHandler {
  onSignal(signal: Signal): void;
  /** Both channels are open, both sides said HELLO; took: since the beginning. */
  onOpen(roundTrip: number, took: number): void;
  /** Nothing comes after it. */
  onEnd(state: "failed" | "closed", reason: string, took: number): void;
  onRoundTrip(roundTrip: number): void;
  /** What the policy is to know; pieces come apart from it. */
  onMessage(message: PeerMessage): void;
  /** A whole piece, which nobody has verified. */
  onPiece(id: PieceID, bytes: Bytes): void;
}

/**
 * The connection to one peer: ICE by way of the edge, two data channels, HELLO, PING.
 * It ends by itself when a rule is broken, when nothing answers, or when it takes too
 * long to come about.
 */
export class PeerLink {
  sentBytes = 0;
  receivedBytes = 0;
  roundTrip: number | undefined;
  private readonly begun: number;
  private readonly connection: RTCPeerConnection;
  private readonly control: RTCDataChannel;
  private readonly pieces: RTCDataChannel;
  private readonly assembly = new PieceAssembly();
  private readonly allowed: Map<RTCDataChannel, Allowance>;
  private readonly early: RTCIceCandidateInit[] = [];
  private unopened: PeerMessage[] = [];
  private described = false;
  private greeted = false;
  private open = false;
  private over = false;
  private answeredAt: number;
  private pings: ReturnType<typeof setInterval> | undefined;
  private patience: ReturnType<typeof setTimeout>;

  constructor(
    readonly config: PeerConfig,
    private readonly handler: PeerHandler,
    create: (config: RTCConfiguration) => RTCPeerConnection = (its) => new RTCPeerConnection(its),
    private readonly now: () => number = () => performance.now(),
  ) {
    this.begun = this.answeredAt = now();
    this.connection = create({
      certificates: [config.certificate],
      iceServers: config.iceServers.length > 0 ? [{ urls: [...config.iceServers] }] : [],
      iceCandidatePoolSize: 1,
    });
    this.control = this.channel(controlChannel, true);
    this.pieces = this.channel(piecesChannel, false);
    this.allowed = new Map([
      [this.control, new Allowance(controlRate, this.begun)],
      [this.pieces, new Allowance(piecesRate, this.begun)],
    ]);
    this.listen();
    this.patience = setTimeout(() => this.end("timeout"), config.offer ? signalledPatience : silentPatience);
    if (config.offer) {
      this.guard(this.makeOffer());
    }
  }

  get isOpen(): boolean {
    return this.open && !this.over;
  }

  /** Bytes that wait to be sent. */
  get queued(): number {
    return this.over ? 0 : this.control.bufferedAmount + this.pieces.bufferedAmount;
  }

  /** Takes what the peer said by way of the edge. */
  take(signal: Signal): void {
    if (!this.over) {
      this.guard(this.takeSignal(signal));
    }
  }

  /** False: it cannot be sent. */
  send(message: PeerMessage): boolean {
    const onPieces = message.type === PeerType.Piece || message.type === PeerType.Beacon;
    const channel = onPieces ? this.pieces : this.control;
    if (this.over || channel.readyState !== "open" || this.queued > maxQueued) {
      return false;
    }
    const bytes = encodePeerMessage(message);
    channel.send(bytes);
    this.sentBytes += bytes.length;
    return true;
  }

  /** In parts of equal size; false: none or not all of it was sent. */
  sendPiece(id: PieceID, bytes: Bytes): boolean {
    const size = bytes.length;
    const part = Math.ceil(size / Math.ceil(size / maxPart));
    for (let offset = 0; offset < size; offset += part) {
      if (!this.send({ type: PeerType.Piece, id, offset, size, bytes: bytes.subarray(offset, offset + part) })) {
        return false;
      }
    }
    return true;
  }

  /** Ends the connection; the handler hears of it. */
  end(reason: string): void {
    if (this.over) {
      return;
    }
    this.over = true;
    clearInterval(this.pings);
    clearTimeout(this.patience);
    this.connection.close();
    this.handler.onEnd(this.open ? "closed" : "failed", reason, this.now() - this.begun);
  }

  private channel({ label, id }: { label: string; id: number }, ordered: boolean): RTCDataChannel {
    const channel = this.connection.createDataChannel(label, { negotiated: true, id, ordered });
    channel.binaryType = "arraybuffer";
    channel.onopen = () => this.onChannelOpen(channel);
    channel.onclose = () => this.end("closed by the peer");
    channel.onmessage = ({ data }) => this.receive(data, channel);
    return channel;
  }

  private listen(): void {
    const { connection } = this;
    connection.onicecandidate = ({ candidate }) => {
      const { sdpMid = null, sdpMLineIndex = null } = candidate ?? {};
      this.handler.onSignal({ candidate: { candidate: candidate?.candidate ?? "", sdpMid, sdpMLineIndex } });
    };
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      if (state === "failed" || state === "closed") {
        this.end(state === "failed" ? "ice" : "closed");
      } else if (state === "disconnected") {
        clearTimeout(this.patience);
        this.patience = setTimeout(() => this.end("ice"), disconnectedPatience);
      } else if (state === "connected" && this.open) {
        clearTimeout(this.patience);
      }
    };
  }

  private async makeOffer(): Promise<void> {
    const offer = await this.connection.createOffer();
    await this.describe(offer);
  }

  /** Sends what was created, which names no candidates: those are sent one by one. */
  private async describe(description: RTCSessionDescriptionInit): Promise<void> {
    const { type, sdp = "" } = description;
    this.handler.onSignal({ description: { type: type === "offer" ? "offer" : "answer", sdp } });
    await this.connection.setLocalDescription(description);
  }

  private async takeSignal({ description, candidate }: Signal): Promise<void> {
    if (description) {
      await this.takeDescription(description);
    } else if (candidate) {
      await this.takeCandidate(candidate);
    }
  }

  private async takeDescription({ type, sdp }: NonNullable<Signal["description"]>): Promise<void> {
    if (type !== (this.config.offer ? "answer" : "offer") || this.described) {
      throw new WireError(`an ${type} out of turn`);
    }
    if (!acceptable(sdp, this.config.fingerprint)) {
      throw new WireError("a description that the edge does not vouch for");
    }
    this.described = true;
    if (type === "offer") {
      clearTimeout(this.patience);
      this.patience = setTimeout(() => this.end("timeout"), signalledPatience);
    }
    await this.connection.setRemoteDescription({ type, sdp });
    if (type === "offer") {
      await this.describe(await this.connection.createAnswer());
    }
    for (const candidate of this.early.splice(0)) {
      await this.addCandidate(candidate);
    }
  }

  private async takeCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    if (this.connection.remoteDescription) {
      await this.addCandidate(candidate);
    } else if (this.early.length < maxEarly) {
      this.early.push(candidate);
    }
  }

  /** A candidate that the browser does not understand is one less. */
  private async addCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    if (candidate.candidate !== "") {
      await this.connection.addIceCandidate(candidate).catch(() => undefined);
    }
  }

  private onChannelOpen(channel: RTCDataChannel): void {
    if (channel === this.control) {
      const token = new TextEncoder().encode(this.config.token);
      this.send({ type: PeerType.Hello, version, peer: this.config.self, token });
      this.ping();
    }
    this.settle();
  }

  private receive(data: unknown, channel: RTCDataChannel): void {
    if (this.over) {
      return;
    }
    try {
      if (!(data instanceof ArrayBuffer)) {
        throw new WireError("text");
      }
      if (!this.allowed.get(channel)?.take(this.now())) {
        throw new WireError("too many messages");
      }
      this.receivedBytes += data.byteLength;
      this.dispatch(parsePeerMessage(new Uint8Array(data)), channel);
    } catch (error) {
      this.fail(error);
    }
  }

  private dispatch(message: PeerMessage, channel: RTCDataChannel): void {
    const onPieces = message.type === PeerType.Piece || message.type === PeerType.Beacon;
    if (onPieces !== (channel === this.pieces)) {
      throw new WireError(`type ${message.type} on ${channel.label}`);
    }
    if (!this.greeted && !onPieces && message.type !== PeerType.Hello) {
      throw new WireError("something before HELLO");
    }
    switch (message.type) {
      case PeerType.Hello:
        return this.greet(message.version, message.peer, message.token);
      case PeerType.Ping:
        this.send({ type: PeerType.Pong, time: message.time });
        return;
      case PeerType.Pong:
        return this.takePong(Number(message.time) / 1000);
      default:
        this.deliver(message);
    }
  }

  private greet(theirs: number, peer: number, token: Bytes): void {
    const right = theirs === version && peer === this.config.peer && new TextDecoder().decode(token) === this.config.token;
    if (this.greeted || !right) {
      throw new WireError("a HELLO that is not the peer's");
    }
    this.greeted = true;
    this.settle();
  }

  /** What comes before the link is open waits for that: the pieces channel may be ahead of HELLO. */
  private deliver(message: PeerMessage): void {
    if (!this.open) {
      if (this.unopened.length >= maxUnopened) {
        throw new WireError("too much before HELLO");
      }
      this.unopened.push(message);
      return;
    }
    if (message.type !== PeerType.Piece) {
      this.handler.onMessage(message);
      return;
    }
    const piece = this.assembly.add(message);
    if (piece) {
      this.handler.onPiece(message.id, piece);
    }
  }

  /** The link is open once both sides said HELLO and the round trip is known. */
  private settle(): void {
    const channels = this.control.readyState === "open" && this.pieces.readyState === "open";
    if (this.open || this.over || !channels || !this.greeted || this.roundTrip === undefined) {
      return;
    }
    this.open = true;
    clearTimeout(this.patience);
    this.pings = setInterval(() => this.ping(), pingInterval);
    this.handler.onOpen(this.roundTrip, this.now() - this.begun);
    for (const message of this.unopened.splice(0)) {
      if (!this.over) {
        this.deliver(message);
      }
    }
  }

  private ping(): void {
    if (this.now() - this.answeredAt > pongPatience && this.open) {
      this.end("silent");
      return;
    }
    this.send({ type: PeerType.Ping, time: BigInt(Math.round(this.now() * 1000)) });
  }

  private takePong(sent: number): void {
    const now = this.now();
    const roundTrip = now - sent;
    if (roundTrip < -1 || roundTrip > 60_000) {
      throw new WireError("a PONG that nobody asked for");
    }
    this.answeredAt = now;
    this.roundTrip = Math.max(0, roundTrip);
    if (this.open) {
      this.handler.onRoundTrip(this.roundTrip);
    }
    this.settle();
  }

  private guard(work: Promise<void>): void {
    work.catch((error: unknown) => this.fail(error));
  }

  private fail(error: unknown): void {
    this.end(error instanceof WireError ? "protocol" : "refused");
  }
}

/** Messages that may come: a bucket that fills with time. */
class Allowance {
  private level: number;

  constructor(
    private readonly rate: { readonly perSecond: number; readonly burst: number },
    private at: number,
  ) {
    this.level = rate.burst;
  }

  take(now: number): boolean {
    this.level = Math.min(this.rate.burst, this.level + ((now - this.at) * this.rate.perSecond) / 1000);
    this.at = now;
    return --this.level >= 0;
  }
}
