// Opens our player as viewers do - at a desk and on a phone, light and dark - with
// figures of a swarm put in its mouth, opens the panel and says what is hard to read and
// what the keyboard reaches, in a line of JSON as watch.mjs does.
//
//   node panel.mjs '{"url":"...","swarm":{...},"screenshot":"panel.png"}'
import { legible } from "./legible.mjs";
import { open } from "./launch.mjs";

const options = JSON.parse(process.argv[2]);
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
const host = "freshet-player";

/** Runs in the page first: the figures that are shown are these. */
function tellSwarm(swarm) {
  window.patchPlayer = (Player) => {
    const { stats } = Player.prototype;
    Player.prototype.stats = function () {
      return { ...stats.call(this), swarm: { ...swarm, consent: this.swarm.consent } };
    };
  };
}

async function reach(page) {
  const labels = [];
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press("Tab");
    labels.push(await page.evaluate((name) => {
      const focused = document.querySelector(name)?.shadowRoot.activeElement;
      return focused?.getAttribute("aria-label") ?? focused?.className ?? "";
    }, host));
  }
  return [...new Set(labels)].filter((label) => label !== "");
}

async function look(page, width, colorScheme) {
  await page.setViewportSize({ width, height: width < 500 ? 760 : 800 });
  await page.emulateMedia({ colorScheme });
  await page.goto(options.url);
  await page.waitForFunction("window.freshet?.state === 'playing'");
  const prompt = await page.locator(".consent").waitFor({ timeout: 5000 }).then(() => true, () => false);
  const shot = (name) => options.screenshot && page.screenshot({ path: options.screenshot.replace(/\.png$/, `-${name}-${width}-${colorScheme}.png`) });
  await page.waitForTimeout(600);
  await shot("prompt");
  const promptFaults = (await page.evaluate(legible, host)).faults;
  if (prompt) await page.locator(".answer.yes").click();
  await page.keyboard.press("p");
  await page.waitForTimeout(1600);
  await shot("panel");
  const seen = await page.evaluate(legible, host);
  const reached = await reach(page);
  const consent = await page.evaluate("freshet.swarm.consent");
  return { width, colorScheme, prompt, promptFaults, ...seen, reached, consent };
}

const { page, close } = await open(options);
try {
  const console = [];
  page.on("pageerror", (e) => console.push(`pageerror: ${e}`));
  await page.addInitScript(tellSwarm, options.swarm);
  const looks = [];
  for (const width of [1280, 390]) {
    for (const colorScheme of ["light", "dark"]) {
      looks.push(await look(page, width, colorScheme));
      await page.evaluate("localStorage.clear()");
    }
  }
  say("result", { stats: { looks }, console });
} catch (error) {
  say("failed", { error: String(error) });
  process.exitCode = 1;
} finally {
  await close();
  process.exit();
}
