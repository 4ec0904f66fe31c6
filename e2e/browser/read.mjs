// Opens a page as its readers do - at a desk and on a phone, light and dark - and says
// what is hard to read, what it complained of and what it asked the network for, in a
// line of JSON as watch.mjs does. Whole pictures go beside `screenshot`.
//
//   node read.mjs '{"url":"file:///...","screenshot":"page.png"}'
import { open } from "./launch.mjs";
import { legible } from "./legible.mjs";

const options = JSON.parse(process.argv[2]);
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);

async function read(page) {
  const console = [];
  const requests = [];
  page.on("console", (m) => console.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => console.push(`pageerror: ${e}`));
  page.on("request", (r) => r.url() === options.url || r.url().startsWith("data:") || requests.push(r.url()));
  const looks = [];
  for (const width of [1280, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.goto(options.url);
      looks.push({ width, colorScheme, paper: await page.evaluate(() => getComputedStyle(document.body).backgroundColor), ...(await page.evaluate(legible)) });
      if (options.screenshot) await page.screenshot({ path: options.screenshot.replace(/\.png$/, `-${width}-${colorScheme}.png`), fullPage: true });
    }
  }
  return { stats: { looks, requests }, console };
}

const { page, close } = await open(options);
try {
  say("result", await read(page));
} catch (error) {
  say("failed", { error: String(error) });
  process.exitCode = 1;
} finally {
  await close();
}
