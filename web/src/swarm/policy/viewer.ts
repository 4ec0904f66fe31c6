// As relay/swarm/viewer.go. The Viewer's methods are functions in the files beside it,
// named as their Go files; vectors hold the two together (test/viewer.test.ts).
import { type PieceID, edge, less } from "../piece.ts";
import type { Mode } from "../sessionmessage.ts";
import type { Action } from "./action.ts";
import { type Event, type Params, defaultParams } from "./event.ts";
import type { Peer } from "./peer.ts";
import { same } from "./peer.ts";
import { Random } from "./random.ts";
import { Table, giveUp, keep } from "./table.ts";
import { millisecond, second } from "./time.ts";
import { Guard, stall } from "./viewerguard.ts";
import { Hedger, hedgeDone, overdue } from "./viewerhedge.ts";
import { hide, setMode, setParams, welcome } from "./viewermode.ts";
import { type Ban, candidates, closed, drop, failed, invalid, left, opened, peerOf } from "./viewerpeers.ts";
import { Rate, beacon, piece } from "./viewerpieces.ts";
import { type Counters, newCounters, tellReport } from "./viewerreport.ts";
import { age } from "./viewerscore.ts";
import { type Substream, assign, tend } from "./viewersubs.ts";
import { haveCame, pulled, refused, subscribed, tellHave, unsubscribed } from "./viewertalk.ts";
import { Upload, drain, queued, ramp, roundTrip } from "./viewerupload.ts";

/** What people see. */
interface State {
  readonly mode: Mode | "";
  readonly reason: string;
}

/**
 * Decides for one viewer of a swarm: what it takes from whom, and what it gives. Pure:
 * time and events in, actions out. Times are in microseconds.
 */
export class Viewer {
  now = 0;
  out: Action[] = [];
  readonly random: Random;

  params: Params = defaultParams;
  self = edge;
  joined = false;
  /** What the edge, or the viewer's machine, allows. */
  mode: Mode = "edge";
  reason = "";
  private shown: State = { mode: "", reason: "" };
  /** Since when, -1 is not. */
  hidden = -1;

  table = new Table();
  /** When media time 0 is displayed. */
  offset = 0;
  playing = false;
  /** How long after its beacon a piece is due, smoothed. */
  slack = 0;
  readonly bitrate = new Rate();

  subs: Substream[] = [];
  /** The mask the edge was told last, -1 is nothing; feedFrom is where sub-streams that come to the edge start. */
  fed = -1;
  feedFrom: PieceID = { g: 0, n: 0 };
  /** The latest piece that the edge has fed. */
  edgeHead: PieceID = { g: 0, n: 0 };
  parents: number[] = [];

  /** By number. */
  peers: Peer[] = [];
  bans: Ban[] = [];

  readonly hedger = new Hedger();
  readonly upload = new Upload();
  guard = new Guard();
  report: Counters = newCounters();

  private haveAt = 0;
  reportAt = 0;
  private secondAt = 0;
  tickAt = 0;

  /** Has heard of nothing: the edge feeds all. The low 32 bits of the seed count. */
  constructor(seed: number) {
    this.random = new Random(seed | 0);
    setParams(this, defaultParams);
  }

  /** Tells what happened and gives what is to be done. */
  step(now: number, e: Event): Action[] {
    this.now = Math.max(this.now, now);
    this.out = [];
    this.handle(e);
    drain(this);
    this.settle();
    return this.out;
  }

  do(action: Action): void {
    this.out.push(action);
  }

  /** Makes the next FEED start at id or before. */
  feedAgain(id: PieceID): void {
    if (isZero(this.feedFrom) || less(id, this.feedFrom)) {
      this.feedFrom = id;
    }
  }

  private handle(e: Event): void {
    switch (e.kind) {
      case "welcome":
        return welcome(this, e);
      case "mode":
        return setMode(this, e.mode, e.reason);
      case "delay":
        this.params = { ...this.params, delay: e.delay };
        return;
      case "slots":
        this.upload.limit = e.count;
        return;
      case "beacon":
        return beacon(this, e);
      case "piece":
        return piece(this, e);
      case "playout":
        this.offset = this.now + e.offset;
        this.playing = true;
        return;
      case "stall":
        return stall(this);
      case "hedgeDone":
        return hedgeDone(this, e.count);
      case "uplink":
        this.upload.uplink = Math.max(0, e.rate);
        return;
      case "tick":
        return this.tick();
      default:
        return this.handlePeer(e);
    }
  }

  /** What has to do with one peer, or with those that come. */
  private handlePeer(e: Event): void {
    switch (e.kind) {
      case "candidates":
        return candidates(this, e.candidates);
      case "assign":
        return assign(this, e);
      case "drop":
        return drop(this, e.peer, e.reason, e.delay);
      case "open":
        return opened(this, e.peer, e.rtt);
      case "failed":
        return failed(this, e.peer);
      case "closed":
        return closed(this, e.peer);
      case "rtt":
        return roundTrip(this, e.peer, e.rtt);
      case "queue":
        return queued(this, e.peer, e.size);
      case "invalid":
        return invalid(this, e.peer, e.id);
      case "leave":
        return left(this, e.peer);
      default:
        return this.handleMessage(e);
    }
  }

  /** What an open peer said. */
  private handleMessage(e: Event): void {
    const p = "peer" in e ? peerOf(this, e.peer) : undefined;
    if (!p?.open) {
      return;
    }
    switch (e.kind) {
      case "sub":
        return subscribed(this, p, e.sub, e.id);
      case "unsub":
        return unsubscribed(this, p, e.sub);
      case "have":
        return haveCame(this, p, e.have);
      case "pull":
        return pulled(this, p, e.ids);
      case "cancel":
        return p.cancel(e.ids);
      case "refuse":
        return refused(this, p, e);
    }
  }

  /** Does what time brings, the most urgent first. */
  private tick(): void {
    overdue(this);
    this.table.sweep(this.now - this.offset - giveUp);
    this.table.prune(this.now - this.offset - keep);
    tend(this);
    ramp(this);
    hide(this);
    if (this.now - this.haveAt >= 200 * millisecond) {
      this.haveAt = this.now;
      tellHave(this);
    }
    if (this.now - this.secondAt >= second) {
      this.secondAt = this.now;
      age(this);
    }
    if (this.joined && this.now - this.reportAt >= second) {
      tellReport(this);
      this.reportAt = this.now;
    }
  }

  /** Tells the edge, and people, what this step has changed. */
  private settle(): void {
    if (!this.joined) {
      return;
    }
    this.settleFeed();
    this.settleParents();
    this.settleState();
  }

  private settleFeed(): void {
    let mask = 0;
    this.subs.forEach(({ parent }, s) => (mask |= parent === edge ? 1 << s : 0));
    if (mask === this.fed || this.table.groups.length === 0) {
      return;
    }
    const id = isZero(this.feedFrom) ? this.table.next() : this.feedFrom;
    this.fed = mask;
    this.feedFrom = { g: 0, n: 0 };
    this.do({ kind: "feed", subs: mask, id });
  }

  private settleParents(): void {
    if (this.parents.length === this.subs.length && this.subs.every(({ parent }, s) => this.parents[s] === parent)) {
      return;
    }
    this.parents = this.subs.map(({ parent }) => parent);
    this.do({ kind: "parents", parents: this.parents });
  }

  private settleState(): void {
    const broken = this.mode !== "edge" && this.guard.until > this.now;
    const { mode, reason }: State = broken ? { mode: "edge", reason: "breaker" } : this;
    if (mode !== this.shown.mode || reason !== this.shown.reason) {
      this.shown = { mode, reason };
      this.do({ kind: "state", mode, reason });
    }
  }
}

function isZero(id: PieceID): boolean {
  return same(id, { g: 0, n: 0 });
}
