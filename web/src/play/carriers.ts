import { type Transport, connect, protocols, webTransportSupported } from "../moqt/transport.ts";
import { connectWebSocket, webSocketSupported } from "../qmux/websocket.ts";
import { NoMoqError } from "./connector.ts";
import { firstOf } from "./race.ts";
import type { ServerInfo } from "./server.ts";
import type { Carrier } from "./stats.ts";

/** Milliseconds WebTransport has before WebSocket is tried beside it: who drops UDP says nothing. */
const headStart = 1000;

type Named = Transport & { readonly protocol?: string };

export interface Opened {
  readonly carrier: Carrier;
  readonly transport: Named;
}

export interface Openers {
  supported(carrier: Carrier): boolean;
  open(carrier: Carrier, info: ServerInfo, timeout: number): Promise<Named>;
}

const browser: Openers = {
  supported: (carrier) => (carrier === "webtransport" ? webTransportSupported() : webSocketSupported()),
  open: (carrier, info, timeout) =>
    carrier === "webtransport"
      ? connect({ ...info, timeout })
      : connectWebSocket({ url: info.webSocketUrl ?? "", protocols, timeout }),
};

/** Opens MoQ's transports over whatever works here, what did the last time first. */
export class Carriers {
  constructor(
    private wanted: readonly Carrier[],
    private readonly openers: Openers = browser,
  ) {}

  async open(info: ServerInfo, timeout: number, signal: AbortSignal): Promise<Opened> {
    const candidates = this.wanted.filter(
      (carrier) => this.openers.supported(carrier) && (carrier !== "websocket" || info.webSocketUrl !== undefined),
    );
    if (candidates.length === 0) {
      throw new NoMoqError("the server offers no MoQ that this browser can speak");
    }
    const { candidate, result } = await firstOf<Carrier, Named>({
      candidates,
      headStart,
      signal,
      attempt: (carrier) => this.openers.open(carrier, info, timeout),
      dispose: (transport) => transport.close(),
    });
    if (!signal.aborted) {
      this.wanted = [candidate, ...this.wanted.filter((carrier) => carrier !== candidate)];
    }
    return { carrier: candidate, transport: result };
  }
}
