// One page in a browser of the machine: Chromium by playwright-core, Firefox by
// puppeteer-core, which speaks WebDriver BiDi to an unmodified Firefox.
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

const quietChromium = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

const quietFirefox = {
  "media.autoplay.default": 0,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "app.update.auto": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "extensions.update.enabled": false,
  "toolkit.telemetry.server": "",
};

/** Pages in the background play on as if they were looked at, and reach each other on this machine. */
const manyViewers = [
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
];

/**
 * Opens Chromium for many viewers; each page has a context, and so storage, of its own.
 * Without a GPU drawing costs more than decoding: pages are small, and nothing on them moves
 * but the picture.
 */
export async function openMany({ origins, width = 320, height = 180 }) {
  const secure = `--unsafely-treat-insecure-origin-as-secure=${origins.join(",")}`;
  const instance = await chromium.launch({ executablePath: "/usr/bin/chromium", args: [...quietChromium, ...manyViewers, secure] });
  return {
    newPage: async () => (await instance.newContext({ viewport: { width, height }, reducedMotion: "reduce", ignoreHTTPSErrors: true })).newPage(),
    close: () => instance.close(),
  };
}

/** Opens one page; page.goto, evaluate and screenshot are the same in both. */
export async function open({ browser = "chromium", url, width = 1280, height = 720 }) {
  if (browser === "firefox") {
    const firefox = await puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      headless: true,
      extraPrefsFirefox: quietFirefox,
      defaultViewport: { width, height },
    });
    return { page: await firefox.newPage(), close: () => firefox.close() };
  }
  // WebTransport is for secure pages; plain HTTP is one from this machine only.
  const args = [...quietChromium, `--unsafely-treat-insecure-origin-as-secure=${new URL(url).origin}`];
  const instance = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  const page = await instance.newPage({ viewport: { width, height }, ignoreHTTPSErrors: true });
  return { page, close: () => instance.close() };
}
