// Many viewers in one Chromium, driven by lines of JSON on standard input, each of
// which is answered by one: {"event":"done",...}, or {"event":"failed","error":...}.
//
//   {"do":"open","viewers":[{"name":"a","url":"..."},...]}  until all of them play
//   {"do":"reset"}                                          a new measurement begins
//   {"do":"look"}                     what was seen since, and figures of the pages
//   {"do":"close","names":[...]}                           these viewers leave
//
//   node crowd.mjs '{"origins":["http://127.0.0.1:8080"]}'
import { createInterface } from "node:readline";
import { collect, reset } from "./collect.mjs";
import { openMany } from "./launch.mjs";
import { rtcCensus } from "./rtc.mjs";

const options = { patience: 60, readOneOf: 10, stats: "null", ...JSON.parse(process.argv[2]) };
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const viewers = new Map(); // by name: { page, console, firstPictureMs }
const browser = await openMany(options);

/** What a phone's browser tells pages of its network; desktops do not know the type. */
function fakeConnection({ type, saveData }) {
  const connection = Object.assign(new EventTarget(), { type, saveData, effectiveType: "4g", downlink: 10, rtt: 50 });
  Object.defineProperty(Navigator.prototype, "connection", { get: () => connection, configurable: true });
}

async function open(wanted) {
  const page = await browser.newPage();
  const viewer = { page, console: [], firstPictureMs: 0 };
  page.on("console", (m) => viewer.console.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => viewer.console.push(`pageerror: ${e}`));
  viewers.set(wanted.name, viewer);
  const { connection: type = "unknown", saveData = false } = wanted;
  if (wanted.connection || saveData) await page.addInitScript(fakeConnection, { type, saveData });
  await page.addInitScript(rtcCensus);
  if (wanted.script) await page.addInitScript(wanted.script);
  await page.goto(wanted.url);
  await page.evaluate(collect, options.readOneOf);
  await firstPictures(wanted.name, viewer);
}

async function firstPictures(name, viewer) {
  const started = Date.now();
  while (Date.now() - started < options.patience * 1000) {
    if (await viewer.page.evaluate(() => (window.freshetE2E?.frames ?? 0) > 2)) {
      viewer.firstPictureMs = Date.now() - started;
      return;
    }
    await sleep(0.1);
  }
  const seen = await viewer.page.evaluate(() => window.freshetE2E);
  throw new Error(`${name}: no picture within ${options.patience} s: ${JSON.stringify(seen)} ${viewer.console.slice(-5)}`);
}

async function look([name, { page, console, firstPictureMs }]) {
  const seen = await page.evaluate(() => window.freshetE2E);
  const stats = await page.evaluate(options.stats);
  const rtc = await page.evaluate(() => window.rtcCensus());
  return { name, firstPictureMs, ...seen, stats, rtc, console };
}

const pagesOf = (names) => [...viewers].filter(([name]) => !names || names.includes(name));

const actions = {
  async open(command) {
    for (const wanted of command.viewers) await open(wanted);
  },
  async reset() {
    await Promise.all(pagesOf().map(([, { page }]) => page.evaluate(reset)));
  },
  async look(command) {
    return { seen: await Promise.all(pagesOf(command.names).map(look)) };
  },
  /** As a closed tab: the page hears of it, and has no time to do much. */
  async close(command) {
    const leaving = pagesOf(command.names);
    leaving.forEach(([name]) => viewers.delete(name));
    await Promise.all(leaving.map(([, { page }]) => page.close({ runBeforeUnload: false })));
  },
};

try {
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
      say("done", await actions[command.do](command));
    } catch (error) {
      say("failed", { error: String(error) });
    }
  }
} finally {
  await browser.close();
  process.exit();
}
