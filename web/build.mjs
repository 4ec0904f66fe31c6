// Builds dist/, which is committed: `npm ci && npm run build` gives the same
// bytes everywhere. With --tests it bundles the unit tests for node instead.
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const testDir = "node_modules/.cache/freshet-tests";

async function buildTests() {
  rmSync(testDir, { recursive: true, force: true });
  await build({
    entryPoints: readdirSync("test").filter((f) => f.endsWith(".test.ts")).map((f) => `test/${f}`),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    outdir: testDir,
    outExtension: { ".js": ".test.mjs" },
  });
}

async function buildPlayer() {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  await build({
    entryPoints: { freshet: "src/freshet.ts", page: "src/page.ts", list: "src/list.ts" },
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["chrome110", "firefox115", "safari16.4"],
    minify: true,
    charset: "utf8",
    legalComments: "none",
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    logLevel: "warning",
  });
  cpSync("static", "dist", { recursive: true });
  cpSync("node_modules/hls.js/LICENSE", "dist/licenses/hls.js.txt");
}

await (process.argv.includes("--tests") ? buildTests() : buildPlayer());
