import type { StreamReader } from "../wire/streamreader.ts";

export interface ControlMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

/**
 * The messages of a control or request stream until FIN (section 10: type,
 * 16-bit length, payload). A message is at most 64 KiB by its framing.
 */
export async function* readMessages(stream: StreamReader): AsyncGenerator<ControlMessage> {
  while (!(await stream.atEnd())) {
    const type = await stream.uint();
    const length = ((await stream.u8()) << 8) | (await stream.u8());
    yield { type, payload: await stream.bytes(length) };
  }
}
