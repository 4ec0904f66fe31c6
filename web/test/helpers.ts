import { StreamReader } from "../src/wire/streamreader.ts";

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function ascii(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

/** A finished stream that hands its bytes out in pieces of the given size. */
export function streamOf(bytes: Uint8Array, piece = 3, error?: Error): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset < bytes.length) {
        controller.enqueue(bytes.slice(offset, (offset += piece)));
      } else if (error) {
        controller.error(error);
      } else {
        controller.close();
      }
    },
  });
}

export function readerOf(hex: string, piece = 3): StreamReader {
  return new StreamReader(streamOf(fromHex(hex), piece));
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) {
    all.push(item);
  }
  return all;
}

/** A small generator with a seed, so that a failure can be had again. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function randomBytes(next: () => number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => Math.floor(next() * 256));
}
