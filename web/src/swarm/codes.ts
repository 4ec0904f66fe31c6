// Numbers of docs/swarm-protocol.md.

/** The extension's version, in SETUP, `hello` and HELLO. */
export const version = 1;

/** Setup Option FRESHET_SWARM, and the types of the streams; integers of MoQT. */
export const setupOption = { type: 0x66730, value: version } as const;
export const sessionStream = 0x66731;
export const pieceStream = 0x66732;

/** K at most: a mask of sub-streams is a small integer. */
export const maxSubs = 16;
export const maxMessage = 65_536;
export const maxPiece = 32 << 10;
export const maxPieces = 256;

/** Between peers. */
export const maxPeerMessage = 16_384;
export const maxToken = 512;
export const maxHaves = 4;
export const maxBits = 32;
export const maxPulls = 64;
export const controlChannel = { label: "control", id: 0 } as const;
export const piecesChannel = { label: "pieces", id: 1 } as const;

export const PeerType = {
  Hello: 1,
  Sub: 2,
  Unsub: 3,
  Have: 4,
  Pull: 5,
  Cancel: 6,
  Refuse: 7,
  Leave: 8,
  Ping: 9,
  Pong: 10,
  Piece: 16,
  Beacon: 17,
} as const;
