import { QmuxConnection } from "./connection.ts";

export interface DialOptions {
  /** Its scheme is ws or wss. */
  readonly url: string;
  /** MoQT's names, newest first. */
  readonly protocols: readonly string[];
  readonly timeout: number;
}

/** A QMux connection over a WebSocket, and the protocol that the server chose. */
export class WebSocketTransport extends QmuxConnection {
  constructor(
    socket: WebSocket,
    readonly protocol: string,
  ) {
    super({ send: (record) => socket.send(record), close: () => socket.close() });
    socket.onmessage = ({ data }: MessageEvent<unknown>) =>
      data instanceof ArrayBuffer ? this.take(new Uint8Array(data)) : this.lost("a text message");
    socket.onclose = ({ reason, code }) => this.lost(reason || `the WebSocket ended (${code})`);
  }
}

export function webSocketSupported(): boolean {
  return typeof WebSocket !== "undefined";
}

/** Opens one; it is closed again when that takes too long. */
export async function connectWebSocket({ url, protocols, timeout }: DialOptions): Promise<WebSocketTransport> {
  const socket = new WebSocket(url, [...protocols]);
  socket.binaryType = "arraybuffer";
  const timer = setTimeout(() => socket.close(), timeout);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onclose = () => reject(new Error("no WebSocket could be opened"));
    });
    const transport = new WebSocketTransport(socket, socket.protocol);
    await transport.ready;
    return transport;
  } finally {
    clearTimeout(timer);
  }
}
