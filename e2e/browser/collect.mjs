// Runs inside the page: looks at the video element, never at the player. It
// reads the clock in the pictures (see e2e/barcode) as each is presented.

/**
 * Starts to collect; the result accumulates in window.freshetE2E. The clock is read in
 * one of so many pictures: where many pages share a machine, reading costs more than playing.
 */
export function collect(readOneOf = 1) {
  const columns = 20;
  const rows = 2;
  const scale = 4; // canvas pixels a square; the middle ones are read
  const seen = {
    frames: 0, // presented
    latency: [], // ms from the camera to the screen
    unreadable: 0,
    longestGap: 0, // ms between two presented pictures
    stalls: [], // ms that playback stood for want of data, each time after its start
    seeks: 0,
    clock: [], // [wall ms, currentTime] every quarter of a second
    errors: [],
  };
  window.freshetE2E = seen;

  const canvas = document.createElement("canvas");
  canvas.width = columns * scale;
  canvas.height = rows * scale;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  function crc8(value) {
    let crc = 0xff;
    for (let shift = 24; shift >= 0; shift -= 8) {
      crc ^= (value >>> shift) & 0xff;
      for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : (crc << 1) & 0xff;
    }
    return crc;
  }

  function readBarcode(video) {
    const side = Math.floor(video.videoWidth / columns);
    context.drawImage(video, 0, 0, side * columns, side * rows, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const bit = (cell) => {
      const x = (cell % columns) * scale + scale / 2;
      const y = Math.floor(cell / columns) * scale + scale / 2;
      return data[(y * canvas.width + x) * 4 + 1] > 127 ? 1 : 0;
    };
    let value = 0;
    for (let cell = 0; cell < 32; cell++) value = ((value << 1) | bit(cell)) >>> 0;
    let crc = 0;
    for (let cell = 32; cell < 40; cell++) crc = (crc << 1) | bit(cell);
    return crc === crc8(value) ? value : undefined;
  }

  let lastShown = 0;
  let stoodSince = 0;
  function presented(video, now, metadata) {
    video.requestVideoFrameCallback((n, m) => presented(video, n, m));
    seen.frames++;
    if (lastShown) seen.longestGap = Math.max(seen.longestGap, now - lastShown);
    lastShown = now;
    if (stoodSince) seen.stalls.push(now - stoodSince);
    stoodSince = 0;
    if (seen.frames % readOneOf !== 0) return;
    const shown = Math.round(Date.now() + (metadata.expectedDisplayTime - performance.now()));
    const captured = readBarcode(video);
    if (captured === undefined) seen.unreadable++;
    else seen.latency.push(((shown >>> 0) - captured) | 0);
  }

  function watch(video) {
    video.requestVideoFrameCallback((n, m) => presented(video, n, m));
    video.addEventListener("waiting", () => { if (seen.frames > 0) stoodSince ||= performance.now(); });
    video.addEventListener("seeking", () => { if (seen.frames > 0) seen.seeks++; });
    video.addEventListener("error", () => seen.errors.push(`video: ${video.error?.message}`));
    setInterval(() => seen.clock.push([Date.now(), video.currentTime]), 250);
  }

  // Custom elements keep theirs in a shadow tree.
  function find(root) {
    const video = root.querySelector("video");
    if (video) return video;
    for (const element of root.querySelectorAll("*")) {
      const inside = element.shadowRoot && find(element.shadowRoot);
      if (inside) return inside;
    }
    return null;
  }

  window.addEventListener("error", (e) => seen.errors.push(String(e.message)));
  window.addEventListener("unhandledrejection", (e) => seen.errors.push(`unhandled: ${e.reason}`));
  const search = setInterval(() => {
    const video = find(document);
    if (!video) return;
    clearInterval(search);
    watch(video);
  }, 20);
}

/** Forgets what was seen of the start, so that a steady state is measured. */
export function reset() {
  const seen = window.freshetE2E;
  seen.latency = [];
  seen.clock = [];
  seen.frames = 1; // the start is over
  seen.stalls = [];
  seen.unreadable = seen.longestGap = seen.seeks = 0;
}
