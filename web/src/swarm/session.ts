import type { Extension, ExtensionStream, Session } from "../moqt/session.ts";
import type { StreamReader } from "../wire/streamreader.ts";
import { pieceStream, sessionStream, setupOption } from "./codes.ts";
import { type EdgePiece, type PieceStreamHeader, encodeViewerMessage, readEdgeMessages, readPieceHeader, readPieces } from "./framing.ts";
import type { EdgeMessage, Hello, ViewerMessage } from "./sessionmessage.ts";

export interface SessionHandler {
  onMessage(message: EdgeMessage): void;
  /** A piece from the edge, which nobody has verified. */
  onPiece(piece: EdgePiece, hedged: boolean): void;
  /** The answer to a hedge has ended. */
  onHedgeDone(id: number): void;
  /** Once; nothing comes after it. */
  onEnd(reason: string): void;
}

/** The swarms of one MoQT session, of which SETUP names the extension. */
export class SwarmExtension implements Extension {
  readonly option = setupOption;
  readonly streamType = pieceStream;
  private readonly swarms = new Map<number, SwarmSession>();
  private opened = 0;

  /** offered: the edge has said elsewhere that it speaks the extension. */
  constructor(readonly offered: boolean) {}

  readonly onStream = async (stream: StreamReader): Promise<void> => {
    const header = await readPieceHeader(stream);
    const swarm = this.swarms.get(header.swarm);
    if (!swarm) {
      throw new Error("pieces of no swarm here");
    }
    await swarm.readPieces(header, stream);
  };

  /** Joins a swarm; the answer comes as `welcome`. */
  async join(session: Session, hello: Hello, handler: SessionHandler): Promise<SwarmSession> {
    const number = this.opened++;
    const stream = await session.openStream(sessionStream);
    const swarm = new SwarmSession(stream, {
      ...handlerOf(handler),
      onMessage: (message) => {
        if (message.t === "welcome") {
          this.swarms.set(message.swarm, swarm);
        }
        handler.onMessage(message);
      },
      onEnd: (reason) => {
        for (const [key, value] of this.swarms) {
          if (value === swarm) {
            this.swarms.delete(key);
          }
        }
        handler.onEnd(reason);
      },
    });
    this.swarms.set(number, swarm);
    swarm.send({ t: "hello", ...hello });
    void swarm.run();
    return swarm;
  }
}

function handlerOf(handler: SessionHandler): Pick<SessionHandler, "onPiece" | "onHedgeDone"> {
  return {
    onPiece: (piece, hedged) => handler.onPiece(piece, hedged),
    onHedgeDone: (id) => handler.onHedgeDone(id),
  };
}

/** One swarm's stream between this viewer and its edge. */
export class SwarmSession {
  private over = false;

  constructor(
    private readonly stream: ExtensionStream,
    private readonly handler: SessionHandler,
  ) {
    stream.writer.closed.catch(() => this.end("the edge ended the swarm"));
  }

  send(message: ViewerMessage): void {
    if (!this.over) {
      this.stream.writer.write(encodeViewerMessage(message)).catch(() => this.end("the edge ended the swarm"));
    }
  }

  /** Reads until the stream ends; a broken rule ends it. */
  async run(): Promise<void> {
    try {
      for await (const message of readEdgeMessages(this.stream.reader)) {
        if (this.over) {
          return;
        }
        this.handler.onMessage(message);
      }
      this.end("the edge ended the swarm");
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  async readPieces({ hedged, id }: PieceStreamHeader, stream: StreamReader): Promise<void> {
    try {
      for await (const piece of readPieces(stream)) {
        if (this.over) {
          stream.cancel(undefined);
          return;
        }
        this.handler.onPiece(piece, hedged);
      }
    } finally {
      if (hedged && !this.over) {
        this.handler.onHedgeDone(id);
      }
    }
  }

  /** Says goodbye; the handler hears nothing more. */
  leave(reason: string): void {
    if (this.over) {
      return;
    }
    this.send({ t: "leave", reason });
    this.over = true;
    this.stream.writer.close().catch(() => undefined);
    this.stream.reader.cancel(undefined);
  }

  private end(reason: string): void {
    if (this.over) {
      return;
    }
    this.over = true;
    this.stream.writer.abort().catch(() => undefined);
    this.stream.reader.cancel(undefined);
    this.handler.onEnd(reason);
  }
}
