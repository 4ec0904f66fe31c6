// A WebTorrent tracker on loopback for p2p-media-loader; says {"url":"ws://..."} and
// runs until standard input ends.
import Server from "bittorrent-tracker/server";

const server = new Server({ udp: false, http: true, ws: true, stats: false });
server.on("error", (error) => process.stderr.write(`${error}\n`));
server.on("warning", (warning) => process.stderr.write(`${warning}\n`));
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ url: `ws://127.0.0.1:${server.http.address().port}` })}\n`);
});
process.stdin.on("end", () => process.exit()).on("error", () => process.exit()).resume();
