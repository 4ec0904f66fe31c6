/** What /v1/info says of the gateway. */
export interface ServerInfo {
  readonly url: string;
  readonly certificateHashes: readonly string[];
}

const requestTimeout = 5000;

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
  return parseInfo(info);
}

/** Undefined: the server offers no MoQ. */
export function parseInfo(info: unknown): ServerInfo | undefined {
  const moq = field(info, "moq");
  const url = field(moq, "url");
  if (typeof url !== "string" || !URL.canParse(url)) {
    return undefined;
  }
  const hashes = field(moq, "certificateHashes");
  const valid = Array.isArray(hashes) ? hashes.filter((hash): hash is string => typeof hash === "string") : [];
  return { url, certificateHashes: valid.filter((hash) => /^[0-9a-f]{64}$/i.test(hash)) };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
