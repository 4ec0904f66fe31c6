// Somebody else's QMux against a server that the test runs: streams both ways, larger
// than any window, codes of resets, a datagram, the close. Prints what it saw as JSON.
//
//   node --experimental-websocket qmux.mjs ws://127.0.0.1:PORT/moq qmux-02
import { createHash } from "node:crypto";

// Younger than node 20, which the package wants.
Promise.withResolvers ??= () => {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
};
const { default: Session } = await import("@moq/qmux");

const [url, version] = process.argv.slice(2);
const session = new Session(url, { protocols: ["moqt-18"], versions: { "moqt-18": version }, requireProtocol: true });
const size = 3 << 20;

function payload(seed) {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) % 251);
}

async function readAll(stream) {
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { length, hash: hash.digest("hex") };
}

/** Sends a payload, which comes back. */
async function echo(seed) {
  const { readable, writable } = await session.createBidirectionalStream();
  const answer = readAll(readable);
  const writer = writable.getWriter();
  await writer.write(payload(seed));
  await writer.close();
  return { ...(await answer), sent: createHash("sha256").update(payload(seed)).digest("hex") };
}

/** What ends reading or writing of a stream on which we ask for something. */
async function refusal(word) {
  const { readable, writable } = await session.createBidirectionalStream();
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode(word));
  const end = word === "reset" ? readAll(readable) : writer.closed;
  return end.then(() => "no error", (error) => error.streamErrorCode ?? String(error));
}

await session.ready;
const incoming = session.incomingUnidirectionalStreams.getReader();
const echoes = await Promise.all([1, 2, 3].map(echo));
const { value: stream } = await incoming.read();
const pushed = await readAll(stream);
const reset = await refusal("reset");
const stop = await refusal("stop");
const datagrams = session.datagrams.writable.getWriter();
// It drops them while anything else is on its way.
const sending = setInterval(() => datagrams.write(new TextEncoder().encode("datagram")), 50);
const { value: datagram } = await session.datagrams.readable.getReader().read();
clearInterval(sending);
session.close({ closeCode: 7, reason: "done" });
console.log(JSON.stringify({ protocol: session.protocol, echoes, pushed, reset, stop, datagram: new TextDecoder().decode(datagram) }));
setTimeout(() => process.exit(), 200);
