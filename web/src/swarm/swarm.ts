import type { CatalogTrack } from "../media/catalog.ts";
import type { Session } from "../moqt/session.ts";
import { Backoff } from "../play/backoff.ts";
import type { EngineHost } from "../play/engine.ts";
import type { LiveControl } from "../play/livecontrol.ts";
import type { TrackFeed } from "../play/trackfeed.ts";
import type { SwarmKeys } from "./beaconkeys.ts";
import { beaconsSupported } from "./beaconsupport.ts";
import { type Identity, createIdentity, peersSupported } from "./certificate.ts";
import { version } from "./codes.ts";
import { Figures } from "./figures.ts";
import { Membership } from "./membership.ts";
import { slots } from "./policy/viewerupload.ts";
import { SwarmExtension } from "./session.ts";
import type { Hello, Update } from "./sessionmessage.ts";
import { type Allowed, Watch, agentOf, allowedBy, isMobile } from "./situation.ts";
import { askings, type SwarmPeer, type SwarmStats } from "./stats.ts";

/** Milliseconds after which an edge that has not said that it speaks the extension is taken not to. */
const silencePatience = 3000;
/** Milliseconds between tries to join a swarm that ended by itself. */
const firstPause = 5000;
const longestPause = 120_000;

export interface SwarmHost {
  readonly engine: Pick<EngineHost, "video" | "clock" | "swarm" | "address">;
  /** Of the video. */
  readonly feed: TrackFeed;
  readonly live: LiveControl;
  /** From encoder to screen, milliseconds. */
  latency(): number | null;
}

interface Connection {
  readonly session: Session;
  readonly extension: SwarmExtension;
}

interface Wanted {
  readonly track: CatalogTrack;
  readonly keys: SwarmKeys;
}

/**
 * The player's part in the swarm of its video track: joins it where browser, broadcast
 * and edge can, follows consent and the viewer's situation, and knows all figures.
 * Without consent it only asks the edge what it would say.
 */
export class Swarm {
  private readonly figures = new Figures();
  private readonly watch = new Watch();
  private readonly backoff = new Backoff(firstPause, longestPause);
  private readonly extensions = new WeakMap<Session, SwarmExtension>();
  private connection: Connection | undefined;
  private wanted: Wanted | undefined;
  private membership: Membership | undefined;
  private joining = false;
  private nextJoin = 0;
  private attachedAt = 0;
  private supported = true;
  private plainBytes = 0;
  private stopped = false;

  constructor(private readonly host: SwarmHost) {
    host.engine.swarm.addEventListener("change", this.consentChanged);
    this.watch.addEventListener("change", this.situationChanged);
    addEventListener("pagehide", this.leavePage);
  }

  /**
   * For the next MoQ session; undefined: nothing of swarms is to be said. offered: the
   * edge has said over HTTP that it speaks the extension.
   */
  newExtension(offered: boolean): SwarmExtension | undefined {
    return this.host.engine.swarm.config.use === "off" ? undefined : new SwarmExtension(offered);
  }

  /** A session is there, which was started with the extension. */
  bind(session: Session, extension: SwarmExtension | undefined): void {
    if (extension) {
      this.extensions.set(session, extension);
    }
  }

  /** The player plays by this session from here on, and is subscribed as if there were no swarm. */
  async attach(session: Session): Promise<void> {
    this.connection = undefined;
    this.membership?.stop("session", true);
    this.membership = undefined;
    this.nextJoin = 0;
    this.attachedAt = performance.now();
    const extension = this.extensions.get(session);
    // Chromium (156) may hold the edge's SETUP back for ever when it comes in the first flight.
    if (extension && (extension.offered || (await session.extended)) && !this.stopped) {
      this.connection = { session, extension };
    }
  }

  /** What the catalog says of the video track; undefined: there is no swarm of it. */
  apply(track: CatalogTrack | undefined, keys: SwarmKeys | null): void {
    const before = this.wanted?.track.name;
    this.wanted = track?.beacons !== undefined && keys ? { track, keys } : undefined;
    if (this.membership && this.wanted?.track.name !== before) {
      // What is under way of the old track in pieces is played, until its beacons end.
      if (!this.membership.feeding) {
        this.membership.stop("track", true);
        this.membership = undefined;
        this.nextJoin = 0;
      }
      return;
    }
    if (this.wanted) {
      this.membership?.setKeys(this.wanted.keys);
    }
  }

  noteChunk(decode: number, display: number): void {
    this.membership?.noteChunk(decode, display);
  }

  /** To be called about ten times a second. */
  tick(now: number): void {
    this.countPlain(now);
    this.membership?.tick(now);
    if (!this.membership && !this.joining && this.connection && this.wanted && now >= this.nextJoin && this.supported) {
      this.joining = true;
      void this.join(this.connection, this.wanted).finally(() => (this.joining = false));
    }
  }

  stop(): void {
    this.stopped = true;
    this.host.engine.swarm.removeEventListener("change", this.consentChanged);
    this.watch.removeEventListener("change", this.situationChanged);
    removeEventListener("pagehide", this.leavePage);
    this.watch.stop();
    this.membership?.stop("ended", true);
    this.membership = undefined;
    this.host.engine.swarm.budget.save();
  }

  /** Null where the broadcast has no swarm. */
  stats(now: number): SwarmStats | null {
    if (!this.wanted) {
      return null;
    }
    const { membership } = this;
    const { mode, reason } = this.state;
    const { consent, cap } = this.host.engine.swarm;
    const viewer = membership?.exchange?.viewer;
    return {
      ...this.figures.totals,
      mode,
      reason,
      consent,
      ask: askings.find((asking) => asking === membership?.welcome?.ask) ?? null,
      control: membership?.welcome?.control ?? false,
      delay: membership?.delay ?? 0,
      self: membership?.welcome?.peer ?? null,
      parents: membership?.exchange?.parents ?? [],
      lag: viewer?.subs.map(({ lags }) => (lags.length > 0 ? lags.quantile(90) / 1000 : null)) ?? [],
      peers: this.peers(),
      hedges: this.figures.hedges + (membership?.exchange?.hedges ?? 0),
      offload: this.figures.offload(now),
      peerRate: this.figures.rate("peer", now),
      uploadRate: this.figures.rate("upload", now),
      uplink: Math.round(membership?.exchange?.uplink.estimate ?? 0),
      cap: leastCap(cap, membership?.welcome?.params.cap ?? 0),
      slots: viewer ? slots(viewer) : 0,
    };
  }

  private get state(): Allowed {
    const unanswered = !this.connection && performance.now() - this.attachedAt > silencePatience;
    if (!this.supported || unanswered) {
      return { mode: "edge", reason: "unsupported" };
    }
    if (this.host.engine.swarm.config.use === "off") {
      return { mode: "edge", reason: "operator" };
    }
    return this.membership ? this.membership.state : { ...this.allowed(), mode: "edge" };
  }

  private allowed(): Allowed {
    const { swarm } = this.host.engine;
    return allowedBy(swarm.consent, this.watch.situation, this.watch.hiddenFor(performance.now()), swarm.budget.left);
  }

  private async join({ session, extension }: Connection, { track, keys }: Wanted): Promise<void> {
    const { engine, feed, live, latency } = this.host;
    const granted = engine.swarm.consent === "granted";
    this.supported = (await beaconsSupported()) && (!granted || peersSupported());
    if (!this.supported || this.connection?.session !== session || this.stopped) {
      return;
    }
    // Who saves data takes no part whatever the edge says: WebRTC stays untouched.
    const identity = granted && this.allowed().mode !== "edge" ? await createIdentity() : undefined;
    if (this.connection?.session !== session || this.stopped || (engine.swarm.consent === "granted") !== granted) {
      return;
    }
    const config = { session, extension, namespace: engine.address.namespace, track, keys, identity, hello: this.hello(track, identity) };
    this.membership = new Membership(config, {
      video: engine.video,
      feed,
      live,
      latency,
      figures: this.figures,
      allowed: () => this.allowed(),
      serverNow: () => engine.clock.now(),
      roundTrip: () => engine.clock.roundTrip,
      onUpload: (bytes) => engine.swarm.budget.spend(bytes),
      onEnd: () => {
        this.membership = undefined;
        this.nextJoin = performance.now() + this.backoff.next();
      },
    });
  }

  private hello(track: CatalogTrack, identity: Identity | undefined): Hello {
    const { swarm, address } = this.host.engine;
    return {
      version,
      namespace: address.namespace.join("/"),
      track: track.name,
      fingerprint: identity?.fingerprint ?? "",
      consent: swarm.consent,
      ...this.watch.situation,
      mobile: isMobile(),
      // Private addresses are .local names here; what becomes of them is the edge's to say.
      lan: true,
      cap: swarm.cap,
      uplink: 0,
      agent: agentOf(navigator.userAgent),
    };
  }

  private peers(): SwarmPeer[] {
    const exchange = this.membership?.exchange;
    if (!exchange) {
      return [];
    }
    return [...exchange.peers.links].map(([peer, link]) => {
      const policy = exchange.viewer.peers.find(({ id }) => id === peer);
      return {
        peer,
        state: link.isOpen ? "open" : "connecting",
        near: exchange.peers.candidate(peer)?.near ?? false,
        gives: exchange.parents.flatMap((parent, sub) => (parent === peer ? [sub] : [])),
        takes: policy?.children.flatMap((child, sub) => (child ? [sub] : [])) ?? [],
        score: (policy?.score ?? 0) / 1000,
        roundTrip: link.roundTrip ?? null,
        received: link.receivedBytes,
        sent: link.sentBytes,
      };
    });
  }

  /** Video that came by subscription, for the whole picture. */
  private countPlain(now: number): void {
    const { plainBytes } = this.host.feed;
    if (plainBytes > this.plainBytes) {
      this.figures.addPlain(plainBytes - this.plainBytes, now);
      this.plainBytes = plainBytes;
    }
  }

  /** Another answer is another membership: with consent it has a fingerprint, without it nothing. */
  private readonly consentChanged = (): void => {
    this.membership?.stop("consent");
    this.membership = undefined;
    this.nextJoin = 0;
  };

  private readonly situationChanged = (): void => {
    const { membership } = this;
    if (!membership) {
      return;
    }
    if (!membership.config.identity && this.allowed().mode !== "edge") {
      this.consentChanged(); // It may take part now.
      return;
    }
    const update: Update = this.watch.situation;
    membership.update(update);
    membership.tick(performance.now());
  };

  /** Children move before they miss anything. */
  private readonly leavePage = (): void => {
    this.membership?.stop("ended", true);
    this.membership = undefined;
    this.connection = undefined;
    this.host.engine.swarm.budget.save();
  };
}

/** 0 is no limit. */
function leastCap(a: number, b: number): number {
  return a > 0 && b > 0 ? Math.min(a, b) : Math.max(a, b);
}
