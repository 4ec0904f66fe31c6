// Runs inside the page before anything else of it: counts what WebRTC does there.

/** Leaves window.rtcCensus(), which tells connections, ICE candidates and bytes. */
export function rtcCensus() {
  const Original = window.RTCPeerConnection;
  if (!Original) return;
  const census = { connections: 0, candidates: 0 };
  const counted = new Map(); // connection -> [sent, received, video sent] at the last look

  async function look(connection) {
    if (connection.connectionState === "closed") return;
    const bytes = [0, 0, 0];
    for (const entry of (await connection.getStats()).values()) {
      if (entry.type === "transport") [bytes[0], bytes[1]] = [entry.bytesSent, entry.bytesReceived];
      if (entry.type === "data-channel" && entry.label === "pieces") bytes[2] += entry.bytesSent;
    }
    counted.set(connection, bytes);
  }

  window.RTCPeerConnection = class extends Original {
    constructor(...args) {
      super(...args);
      census.connections++;
      counted.set(this, [0, 0, 0]);
      this.addEventListener("icecandidate", ({ candidate }) => candidate?.candidate && census.candidates++);
    }
  };
  // A closed connection tells nothing more.
  setInterval(() => [...counted.keys()].forEach((c) => look(c).catch(() => {})), 500);

  window.rtcCensus = async () => {
    await Promise.all([...counted.keys()].map((c) => look(c).catch(() => {})));
    const sum = (i) => [...counted.values()].reduce((total, bytes) => total + bytes[i], 0);
    return { ...census, bytesSent: sum(0), bytesReceived: sum(1), piecesSent: sum(2) };
  };
}
