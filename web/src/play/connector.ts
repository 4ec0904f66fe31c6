import { withToken } from "./config.ts";
import type { Edges } from "./edges.ts";
import { firstOf } from "./race.ts";
import type { ServerInfo } from "./server.ts";

/** Milliseconds an edge has to give a session before the next one is tried as well. */
const headStart = 350;

/** The server answers, and has no MoQ that this browser can speak. */
export class NoMoqError extends Error {
  constructor(message = "the server offers no MoQ") {
    super(message);
  }
}

export interface Dialer<S> {
  /** What an edge says of itself; undefined: it offers no MoQ. */
  ask(origin: string, signal: AbortSignal): Promise<ServerInfo | undefined>;
  open(info: ServerInfo, signal: AbortSignal): Promise<S>;
  close(session: S): void;
}

/** An edge, and what it said of itself if it was asked before. */
interface Place {
  readonly origin: string;
  readonly info?: ServerInfo;
}

/** An open session. */
export interface Line<S> {
  readonly session: S;
  /** The edge it goes to; undefined if that one can be asked nothing. */
  readonly origin: string | undefined;
}

/** Opens sessions at whichever edge gives one first, the one that serves now before all others. */
export class Connector<S> {
  /** Where the last connection went, for when no edge can be asked. */
  private last: Place | undefined;

  constructor(
    private readonly edges: Edges,
    private readonly token: string,
    private readonly dialer: Dialer<S>,
  ) {}

  async open(signal: AbortSignal): Promise<Line<S>> {
    const known = this.edges.all.map((origin): Place => ({ origin }));
    const { candidate, result } = await firstOf({
      candidates: this.last ? [...known, this.last] : known,
      headStart,
      signal,
      attempt: (place: Place, signal) => this.openAt(place, signal),
      dispose: (session: S) => this.dialer.close(session),
    });
    this.edges.use(candidate.origin);
    return { session: result, origin: candidate.info ? undefined : candidate.origin };
  }

  /** Where GOAWAY sends us; an empty URI means whoever answers at the known addresses. */
  async openElsewhere(uri: string, signal: AbortSignal): Promise<Line<S>> {
    if (uri === "") {
      return this.open(signal);
    }
    const { origin } = new URL(uri);
    // A server with a self-made certificate cannot be asked for its hash: the known one may do.
    const asked = await this.ask(origin, signal).catch(() => undefined);
    const certificateHashes = (asked ?? this.last?.info)?.certificateHashes ?? [];
    const carried = asked?.webSocketUrl === undefined ? {} : { webSocketUrl: asked.webSocketUrl };
    const session = await this.dial({ origin, info: { url: uri, certificateHashes, edges: [], ...carried } }, signal);
    if (asked) {
      this.edges.add([origin]);
      this.edges.use(origin);
    }
    return { session, origin: asked ? origin : undefined };
  }

  private async openAt({ origin, info }: Place, signal: AbortSignal): Promise<S> {
    const place = { origin, info: info ?? (await this.ask(origin, signal)) };
    return this.dial(place, signal);
  }

  private async ask(origin: string, signal: AbortSignal): Promise<ServerInfo> {
    const info = await this.dialer.ask(origin, signal);
    if (!info) {
      throw new NoMoqError();
    }
    this.edges.add(info.edges);
    return info;
  }

  /** The addresses with the token. */
  private showing({ url, webSocketUrl }: ServerInfo): Partial<ServerInfo> {
    return {
      url: withToken(url, this.token),
      ...(webSocketUrl === undefined ? {} : { webSocketUrl: withToken(webSocketUrl, this.token) }),
    };
  }

  private async dial(place: Place & { info: ServerInfo }, signal: AbortSignal): Promise<S> {
    const { info } = place;
    const session = await this.dialer.open({ ...info, ...this.showing(info) }, signal);
    if (!signal.aborted) {
      this.last = place;
    }
    return session;
  }
}
