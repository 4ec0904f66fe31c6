/** What /v1/info says of the gateway. */
export interface ServerInfo {
  readonly url: string;
  readonly certificateHashes: readonly string[];
  /** Where it takes MoQ over WebSocket, if it does. */
  readonly webSocketUrl?: string;
  /** Other gateways that serve the same broadcasts, as URLs of which the origin counts. */
  readonly edges: readonly string[];
  /** It takes viewers into swarms (docs/swarm-protocol.md). */
  readonly swarm?: boolean;
}

const requestTimeout = 5000;
/** Milliseconds an edge has to show that it is there; its round trip is a small part of it. */
const signOfLife = 400;

export async function fetchText(url: string, signal?: AbortSignal): Promise<string> {
  const timeout = AbortSignal.timeout(requestTimeout);
  const response = await fetch(url, { cache: "no-store", signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  if (!response.ok) {
    throw new AnswerError(url, response.status, await response.text());
  }
  return response.text();
}

/** The server has answered, and not with what was asked for. */
export class AnswerError extends Error {
  constructor(
    url: string,
    readonly status: number,
    body: string,
  ) {
    super(reasonIn(body) ?? `${new URL(url, globalThis.location?.href).pathname} answered ${status}`);
  }
}

/** A refusal says why, in JSON. */
function reasonIn(body: string): string | undefined {
  try {
    const message = field(JSON.parse(body), "message");
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

export async function fetchInfo(origin: string, signal: AbortSignal): Promise<ServerInfo | undefined> {
  const info: unknown = JSON.parse(await fetchText(`${origin}/v1/info`, signal));
  return parseInfo(info, origin);
}

/** Other gateways that this one names, whether it offers MoQ or not. */
export async function fetchEdges(origin: string, signal: AbortSignal): Promise<string[]> {
  const info: unknown = JSON.parse(await fetchText(`${origin}/v1/info`, signal));
  return strings(field(info, "edges"));
}

/** Undefined: the server offers no MoQ. */
export function parseInfo(info: unknown, origin: string): ServerInfo | undefined {
  const moq = field(info, "moq");
  const url = field(moq, "url");
  if (typeof url !== "string" || !URL.canParse(url)) {
    return undefined;
  }
  const path = field(moq, "webSocket");
  const hashes = strings(field(moq, "certificateHashes")).filter((hash) => /^[0-9a-f]{64}$/i.test(hash));
  const swarm = field(info, "swarm") !== undefined;
  return {
    url,
    certificateHashes: hashes,
    // At the address that could be asked: a page may not open another one's unless its certificate is good.
    ...(typeof path === "string" ? { webSocketUrl: new URL(path, origin).href.replace(/^http/, "ws") } : {}),
    edges: strings(field(info, "edges")),
    ...(swarm ? { swarm } : {}),
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === "string") : [];
}

/** Whether an edge answers at all, as a live one does at once. */
export async function isAlive(origin: string, signal: AbortSignal): Promise<boolean> {
  try {
    const timeout = AbortSignal.timeout(signOfLife);
    const response = await fetch(`${origin}/v1/time`, { cache: "no-store", signal: AbortSignal.any([signal, timeout]) });
    return response.ok;
  } catch {
    return false;
  }
}

/** The first of some edges that answers, asked all at once. */
export async function findAlive(origins: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const answers = await Promise.all(origins.map((origin) => isAlive(origin, signal)));
  return origins.find((_, i) => answers[i]);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
