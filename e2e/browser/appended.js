// Runs in a page before all others: notes what the page hands to the decoder, whatever
// player it has. window.appended is the SHA-256 of each chunk of video, in hex; but for
// those that begin with moof, which our packager does not write: our player's own, which
// repeat a picture in a gap.
(() => {
  window.appended = [];
  const isVideo = new WeakSet();

  const { addSourceBuffer } = MediaSource.prototype;
  MediaSource.prototype.addSourceBuffer = function (mime) {
    const source = addSourceBuffer.call(this, mime);
    if (mime.startsWith("video/")) isVideo.add(source);
    return source;
  };

  /** What is appended at once may be several chunks, each of which ends with its mdat. */
  function* chunks(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    for (let at = 0; at + 8 <= bytes.length; ) {
      const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      at += view.getUint32(at);
      if (type === "moov") start = at; // A header: not of a chunk.
      if (type === "mdat") {
        if (String.fromCharCode(...bytes.subarray(start + 4, start + 8)) !== "moof") yield bytes.slice(start, at);
        start = at;
      }
    }
  }

  async function note(chunk) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", chunk));
    window.appended.push(Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }

  const { appendBuffer } = SourceBuffer.prototype;
  SourceBuffer.prototype.appendBuffer = function (data) {
    if (isVideo.has(this)) {
      const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
      for (const chunk of chunks(bytes)) void note(chunk);
    }
    return appendBuffer.call(this, data);
  };
})();
