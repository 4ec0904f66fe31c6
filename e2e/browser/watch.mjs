// Watches one page and reports in lines of JSON: {"event":"playing"} at the
// first pictures, {"event":"result",...} at the end, which is when `seconds` of
// steady play are over or when standard input ends, whichever comes first.
//
//   node watch.mjs '{"url":"...","browser":"chromium","seconds":10}'
import { collect, reset } from "./collect.mjs";
import { open } from "./launch.mjs";

const options = {
  browser: "chromium",
  seconds: 10, // of measuring
  settle: 2, // seconds of play before it
  patience: 20, // seconds until the first picture
  key: "", // pressed once it plays
  stats: "null", // expression evaluated in the page for the result
  ...JSON.parse(process.argv[2]),
};

const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const hangUp = new Promise((done) => process.stdin.on("end", done).on("error", done).resume());

async function firstPictures(page) {
  const started = Date.now();
  while (Date.now() - started < options.patience * 1000) {
    if (await page.evaluate(() => (window.freshetE2E?.frames ?? 0) > 2)) return Date.now() - started;
    await sleep(0.05);
  }
  const seen = await page.evaluate(() => window.freshetE2E);
  throw new Error(`no picture within ${options.patience} s: ${JSON.stringify(seen)}`);
}

async function watch(page) {
  const console = [];
  page.on("console", (m) => console.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => console.push(`pageerror: ${e}`));
  try {
    await page.goto(options.url);
    await page.evaluate(collect);
    const firstPictureMs = await firstPictures(page);
    await Promise.race([sleep(options.settle), hangUp]);
    await page.evaluate(reset);
    say("playing");
    if (options.key) await page.keyboard.press(options.key);
    await Promise.race([sleep(options.seconds), hangUp]);
    const seen = await page.evaluate(() => window.freshetE2E);
    const stats = await page.evaluate(options.stats);
    say("result", { firstPictureMs, ...seen, stats, console });
  } catch (error) {
    say("failed", { error: String(error), console });
    process.exitCode = 1;
  }
  if (options.screenshot) await page.screenshot({ path: options.screenshot });
}

const { page, close } = await open(options);
try {
  await watch(page);
} finally {
  await close();
  process.exit(); // The timers that nobody waits for any more would hold it.
}
