import { encodeBase64 } from "./base64.ts";
import { type Beacon, type Bytes, decodeBeacon, maxBeaconSize } from "./beacon.ts";
import type { SwarmKeys } from "./beaconkeys.ts";
import type { Identity } from "./certificate.ts";
import { PeerType } from "./codes.ts";
import { EdgePings } from "./edgepings.ts";
import { type Arrival, Intake } from "./intake.ts";
import { type PeerMessage } from "./peermessage.ts";
import { Peers } from "./peers.ts";
import type { PieceID } from "./piece.ts";
import type { Action, Report } from "./policy/action.ts";
import type { Event } from "./policy/event.ts";
import { Viewer } from "./policy/viewer.ts";
import { Punctuality } from "./punctuality.ts";
import type { EdgeMessage, EdgeParams, Mode, ViewerMessage, Welcome } from "./sessionmessage.ts";
import { UplinkMeter } from "./uplink.ts";

/** Milliseconds; the policy wants to be told at least every 50. */
const tickInterval = 40;

export interface ExchangeConfig {
  readonly namespace: string;
  readonly track: string;
  readonly welcome: Welcome;
  readonly identity: Identity;
  readonly keys: SwarmKeys;
}

/** What an exchange needs of the player around it. */
export interface ExchangeHost {
  /** To the edge. */
  send(message: ViewerMessage): void;
  /** A beacon counts: the live edge is there. */
  onBeacon(beacon: Beacon): void;
  /** All pieces of a chunk are there, verified. */
  onChunk(group: number, chunk: number, payload: Bytes): void;
  onReport(report: Report): void;
  onState(mode: Mode, reason: string): void;
  /** Bytes of pieces were handed to a peer. */
  onUpload(bytes: number): void;
  /** The edge broke the protocol: its swarm is to be left. */
  onBroken(reason: string): void;
  /** Media time (seconds) that is decoded by now at the latest; undefined while nothing plays. */
  due(): number | undefined;
  /** Unix milliseconds by the server's clock. */
  serverNow(): number;
  /** Milliseconds to the edge and back, until it answers pings; undefined while unknown. */
  roundTrip(): number | undefined;
}

/** A false beacon, or the packager's with a piece that is not what it signs. */
interface Evidence {
  readonly beacon: Bytes;
  readonly piece?: Bytes;
}

const refusals = ["", "full", "loop", "unknown", "leaving"];
const Leaving = { ended: 1, hidden: 2, mode: 3 } as const;

/**
 * The policy and its hands: tells the Viewer what beacons, pieces and peers bring, and
 * does what it wants done. Nothing comes from the edge's pieces until `begin`.
 */
export class Exchange {
  readonly viewer: Viewer;
  readonly peers: Peers;
  readonly uplink: UplinkMeter;
  /** Who feeds each sub-stream. */
  parents: readonly number[] = [];
  /** Times that the edge was asked for missing pieces. */
  hedges = 0;
  /** The first group that comes by pieces; undefined before begin. */
  from: number | undefined;
  private readonly intake: Intake;
  private readonly events: Event[] = [];
  private stepping = false;
  private stopping = false;
  private over = false;
  private timer: ReturnType<typeof setInterval> | undefined;
  private reason = "";
  /** What was last told to the Viewer. */
  private readonly toldQueues = new Map<number, number>();
  private toldRoundTrip = -1;
  private readonly pings = new EdgePings();
  private readonly punctuality = new Punctuality();
  /** The edge answers pings. */
  private pinged = false;
  /** What a peer is accused of while the Viewer hears of it, for the edge to see. */
  private readonly evidence = new Map<number, Evidence>();
  /** Beacons that each peer had from here. */
  private readonly repeated = new Map<number, WeakSet<Beacon>>();

  constructor(
    config: ExchangeConfig,
    private readonly host: ExchangeHost,
    create?: (config: RTCConfiguration) => RTCPeerConnection,
  ) {
    const { namespace, track, welcome, identity } = config;
    this.uplink = new UplinkMeter(welcome.params.share);
    this.viewer = new Viewer(Math.floor(Math.random() * 2 ** 32));
    this.intake = new Intake(
      { namespace, track, delay: welcome.params.delay },
      {
        onBeacon: (beacon) => this.takeBeacon(beacon),
        onGenuine: (arrival) => this.tellPiece(arrival),
        onForged: (arrival, beacon) => this.accuse(arrival, beacon),
        onFalseBeacon: (peer, raw) => this.accuseOf(peer, spokenOf(raw), { beacon: raw.subarray(0, maxBeaconSize) }),
        onChunk: (group, chunk, payload) => this.over || host.onChunk(group, chunk, payload),
      },
      () => host.serverNow(),
    );
    void this.intake.setKeys(config.keys);
    this.peers = new Peers({ self: welcome.peer, identity, iceServers: welcome.ice }, this.peersHandler(), create);
    this.step({ kind: "welcome", self: welcome.peer, mode: welcome.mode, reason: welcome.reason, params: inMicros(welcome.params) });
  }

  /** The player goes over to pieces, from the beginning of a group on. */
  begin(group: number): void {
    this.from = group;
    this.timer = setInterval(() => this.tick(), tickInterval);
  }

  setKeys(keys: SwarmKeys): void {
    void this.intake.setKeys(keys);
  }

  /** A beacon by the edge's track. */
  takeRawBeacon(raw: Bytes): void {
    void this.intake.takeBeacon(0, raw);
  }

  /** A piece of the edge. */
  takeEdgePiece(id: PieceID, bytes: Bytes, hedged: boolean): void {
    void this.intake.take({ from: 0, id, bytes, hedged });
  }

  hedgeDone(id: number): void {
    this.step({ kind: "hedgeDone", count: id });
  }

  stalled(): void {
    this.step({ kind: "stall" });
  }

  /** What the edge allows, and the viewer's own side. */
  setMode(mode: Mode, reason: string): void {
    this.reason = reason;
    this.step({ kind: "mode", mode, reason });
  }

  take(message: EdgeMessage): void {
    switch (message.t) {
      case "candidates":
        this.peers.note(message.peers);
        this.step({ kind: "candidates", candidates: message.peers.map(({ role, ...rest }) => ({ ...rest, standby: role === "standby" })) });
        return;
      case "assign":
        this.step({ ...message, kind: "assign" });
        return;
      case "signal":
        this.peers.take(message.peer, message);
        return;
      case "slots":
        this.step({ kind: "slots", count: message.slots });
        return;
      case "delay":
        this.intake.setDelay(message.delay);
        this.step({ kind: "delay", delay: micros(message.delay) });
        return;
      case "pong":
        this.takePong(message.id, performance.now());
        return;
      case "drop":
        this.step({ kind: "drop", peer: message.peer, reason: message.reason, delay: micros(message.ban) });
        return;
      default:
    }
  }

  /** Tells the peers, and ends all links. */
  stop(reason: string): void {
    if (this.over) {
      return;
    }
    this.stopping = true;
    this.step({ kind: "leave", peer: 0 });
    this.over = true;
    clearInterval(this.timer);
    this.peers.stop(reason);
  }

  private tick(): void {
    const now = performance.now();
    this.punctuality.tick(now);
    this.pingEdge(now);
    this.intake.tick();
    this.tellPlayout();
    this.tellQueues();
    this.step({ kind: "tick" });
  }

  private tellPlayout(): void {
    const due = this.host.due();
    if (due !== undefined) {
      this.step({ kind: "playout", offset: -Math.round(due * 1e6) });
    }
    // A guess to begin with: a request over HTTP takes longer than a message of the session.
    const roundTrip = this.pinged ? undefined : this.host.roundTrip();
    if (roundTrip !== undefined && roundTrip !== this.toldRoundTrip) {
      this.toldRoundTrip = roundTrip;
      this.step({ kind: "rtt", peer: 0, rtt: micros(roundTrip) });
    }
  }

  private pingEdge(now: number): void {
    const id = this.pings.due(now);
    if (id !== undefined) {
      this.host.send({ t: "ping", id });
    }
  }

  private takePong(id: number, now: number): void {
    const sent = this.pings.answered(id);
    if (sent !== undefined) {
      this.pinged = true;
      this.tellRoundTrip(0, now - sent, now);
    }
  }

  /** A page that was held up meanwhile saw its own lateness, and would give less for it. */
  private tellRoundTrip(peer: number, roundTrip: number, now: number): void {
    if (!this.punctuality.lateSince(now - roundTrip, now)) {
      this.step({ kind: "rtt", peer, rtt: micros(roundTrip) });
    }
  }

  private tellQueues(): void {
    let all = 0;
    for (const [peer, link] of this.peers.links) {
      const size = link.queued;
      all += size;
      if (size !== (this.toldQueues.get(peer) ?? 0)) {
        this.toldQueues.set(peer, size);
        this.step({ kind: "queue", peer, size });
      }
    }
    if (this.uplink.sample(performance.now(), this.peers.sent, all)) {
      this.step({ kind: "uplink", rate: Math.round(this.uplink.estimate) });
    }
  }

  private takeBeacon(beacon: Beacon): void {
    if (this.over) {
      return;
    }
    this.host.onBeacon(beacon);
    if (this.from !== undefined && beacon.group >= this.from) {
      this.step({ kind: "beacon", id: { g: beacon.group, n: beacon.first }, sizes: beacon.sizes, pts: beacon.pts });
    }
  }

  private tellPiece({ from, id, bytes, hedged }: Arrival): void {
    this.step({ kind: "piece", peer: from, id, size: bytes.length, hedged });
  }

  private accuse(arrival: Arrival, beacon: Beacon): void {
    if (arrival.from === 0) {
      this.host.onBroken("a piece of the edge is not what was signed");
      return;
    }
    this.accuseOf(arrival.from, arrival.id, { beacon: beacon.raw, piece: arrival.bytes });
  }

  private accuseOf(peer: number, id: PieceID, evidence: Evidence): void {
    this.evidence.set(peer, evidence);
    this.step({ kind: "invalid", peer, id });
    this.evidence.delete(peer);
  }

  /** What an action causes is told after it, never within. */
  private step(event: Event): void {
    if (this.over) {
      return;
    }
    this.events.push(event);
    if (this.stepping) {
      return;
    }
    this.stepping = true;
    try {
      for (let next = this.events.shift(); next; next = this.events.shift()) {
        this.viewer.step(nowMicros(), next).forEach((action) => this.carryOut(action));
      }
    } finally {
      this.stepping = false;
    }
  }

  private carryOut(action: Action): void {
    switch (action.kind) {
      case "connect":
        return this.peers.connect(action.peer);
      case "close":
        return this.peers.close(action.peer, action.reason);
      case "feed":
        return this.host.send({ t: "feed", subs: action.subs, group: action.id.g, n: action.id.n });
      case "hedge":
        return this.hedge(action.count, action.ids);
      case "unhedge":
        return this.host.send({ t: "cancel", id: action.count });
      case "parents":
        this.parents = action.parents;
        return this.host.send({ t: "parents", parents: action.parents });
      case "report":
        return this.host.onReport(action.report);
      case "invalid":
        return this.report(action.peer, action.id);
      case "state":
        return this.host.onState(action.mode, action.reason);
      case "push":
        return this.push(action.peer, action.id);
      case "bye":
        return;
      default:
        this.peers.links.get(action.peer)?.send(this.messageOf(action));
    }
  }

  private messageOf(action: Extract<Action, { kind: "sub" | "unsub" | "have" | "pull" | "cancel" | "refuse" | "leave" }>): PeerMessage {
    switch (action.kind) {
      case "sub":
        return { type: PeerType.Sub, sub: action.sub, id: action.id };
      case "unsub":
        return { type: PeerType.Unsub, sub: action.sub };
      case "have":
        return { type: PeerType.Have, have: action.have };
      case "pull":
        return { type: PeerType.Pull, ids: action.ids };
      case "cancel":
        return { type: PeerType.Cancel, ids: action.ids };
      case "leave":
        return { type: PeerType.Leave, leaving: this.reason === "hidden" ? Leaving.hidden : this.stopping ? Leaving.ended : Leaving.mode };
      case "refuse": {
        const refusal = Math.max(1, refusals.indexOf(action.reason));
        return action.ids.length > 0
          ? { type: PeerType.Refuse, kind: PeerType.Pull, refusal, ids: action.ids }
          : { type: PeerType.Refuse, kind: PeerType.Sub, refusal, sub: action.sub, id: { g: 0, n: 0 } };
      }
    }
  }

  /** The ids are of one group, within the 256 that one message can name. */
  private hedge(id: number, ids: readonly PieceID[]): void {
    const [first] = ids;
    if (!first) {
      return;
    }
    this.hedges++;
    const n = Math.min(...ids.map((each) => each.n));
    const most = Math.max(...ids.map((each) => each.n)) - n;
    const bits = new Uint8Array((most >> 3) + 1);
    for (const each of ids) {
      const bit = each.n - n;
      bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
    this.host.send({ t: "hedge", id, group: first.g, n, bits: encodeBase64(bits) });
  }

  private report(peer: number, id: PieceID): void {
    const evidence = this.evidence.get(peer);
    if (evidence) {
      const piece = evidence.piece && { piece: encodeBase64(evidence.piece) };
      this.host.send({ t: "invalid", peer, group: id.g, n: id.n, beacon: encodeBase64(evidence.beacon), ...piece });
    }
  }

  private push(peer: number, id: PieceID): void {
    const link = this.peers.links.get(peer);
    const piece = this.intake.get(id);
    if (!link || !piece) {
      return;
    }
    const repeated = this.repeated.get(peer) ?? new WeakSet();
    this.repeated.set(peer, repeated);
    if (!repeated.has(piece.beacon)) {
      repeated.add(piece.beacon);
      link.send({ type: PeerType.Beacon, bytes: piece.beacon.raw });
    }
    this.pings.notePush(performance.now());
    if (link.sendPiece(id, piece.bytes)) {
      this.host.onUpload(piece.bytes.length);
    }
  }

  private peersHandler(): ConstructorParameters<typeof Peers>[1] {
    return {
      onSignal: (peer, signal) => this.host.send({ t: "signal", peer, ...signal }),
      onOpen: (peer, rtt, took) => {
        this.host.send({ t: "link", peer, state: "open", reason: "", rtt, took });
        this.step({ kind: "open", peer, rtt: micros(rtt) });
      },
      onEnd: (peer, state, reason, took) => this.ended(peer, state, reason, took),
      onRoundTrip: (peer, rtt) => this.tellRoundTrip(peer, rtt, performance.now()),
      onMessage: (peer, message) => this.takeMessage(peer, message),
      onPiece: (from, id, bytes) => void this.intake.take({ from, id, bytes, hedged: false }),
    };
  }

  private ended(peer: number, state: "failed" | "closed", reason: string, took: number): void {
    this.intake.forget(peer);
    this.toldQueues.delete(peer);
    this.repeated.delete(peer);
    this.host.send({ t: "link", peer, state, reason, rtt: 0, took });
    this.step({ kind: state, peer, reason });
  }

  private takeMessage(peer: number, message: PeerMessage): void {
    switch (message.type) {
      case PeerType.Sub:
        return this.step({ kind: "sub", peer, sub: message.sub, id: message.id });
      case PeerType.Unsub:
        return this.step({ kind: "unsub", peer, sub: message.sub });
      case PeerType.Have:
        return this.step({ kind: "have", peer, have: message.have.map(({ g, n, bits }) => ({ g, n, bits: bits.slice() })) });
      case PeerType.Pull:
        return this.step({ kind: "pull", peer, ids: message.ids });
      case PeerType.Cancel:
        return this.step({ kind: "cancel", peer, ids: message.ids });
      case PeerType.Refuse: {
        const reason = refusals[message.refusal] ?? "unknown";
        const sub = message.kind === PeerType.Sub ? message.sub : 0;
        return this.step({ kind: "refuse", peer, reason, sub, ids: message.kind === PeerType.Pull ? message.ids : [] });
      }
      case PeerType.Leave:
        return this.step({ kind: "leave", peer });
      case PeerType.Beacon:
        void this.intake.takeBeacon(peer, message.bytes.slice());
        return;
      default:
    }
  }
}

/** The first piece that a beacon speaks of, be it true or not, for the edge to find the one of its own. */
function spokenOf(raw: Bytes): PieceID {
  try {
    const { group, first } = decodeBeacon(raw);
    return { g: group, n: first };
  } catch {
    return { g: 0, n: 0 };
  }
}

/** Whole microseconds of the page's clock. */
function nowMicros(): number {
  return micros(performance.now());
}

function micros(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

export function inMicros(params: EdgeParams): EdgeParams {
  const { delay, gapPull, hedgeStart, hedgeMin, hedgeMax } = params;
  return {
    ...params,
    delay: micros(delay),
    gapPull: micros(gapPull),
    hedgeStart: micros(hedgeStart),
    hedgeMin: micros(hedgeMin),
    hedgeMax: micros(hedgeMax),
  };
}
