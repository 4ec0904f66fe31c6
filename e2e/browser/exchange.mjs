// Runs one page that exchanges objects with a gateway, in Chromium, and reports in
// lines of JSON as watch.mjs does: {"event":"playing"} once the page has begun, and
// {"event":"result",...} with its notes when standard input ends.
//
//   node exchange.mjs '{"url":"..."}'
import { open } from "./launch.mjs";

const options = { patience: 20, ...JSON.parse(process.argv[2]) };
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
const hangUp = new Promise((done) => process.stdin.on("end", done).on("error", done).resume());

async function exchange(page) {
  const console = [];
  page.on("console", (m) => console.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => console.push(`pageerror: ${e}`));
  try {
    await page.goto(options.url);
    await page.waitForFunction("window.exchange?.begun || window.exchange?.errors.length", null, { timeout: options.patience * 1000 });
    say("playing");
    await hangUp;
    await page.evaluate("finish()");
    await page.waitForTimeout(300); // A group may be under way.
    say("result", { stats: await page.evaluate("exchange"), console });
  } catch (error) {
    const stats = await page.evaluate("window.exchange ?? null").catch(() => null);
    say("failed", { error: `${error} ${JSON.stringify(stats)}`, console });
    process.exitCode = 1;
  }
}

const { page, close } = await open({ url: options.url });
try {
  await exchange(page);
} finally {
  await close();
  process.exit(); // Standard input would hold it.
}
