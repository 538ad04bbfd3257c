/**
 * `npm run bundles`: the package in the hands of those who build for pages and isolates.
 *
 *   npm run bundles
 *
 * It is built, bundled without externals by esbuild, webpack, Rspack, Rollup, Vite, Bun, Deno and Metro, and what
 * came out runs in Chromium, also under strict security policies, and in workerd, and exchanges live with Node
 * from both. Prints what a page loads for parts of the package; fails when that is more than it may be.
 */

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { brokenBudgets } from "./budgets.mjs";
import { HOME, livePage, metro, PAGES, worker } from "./bundlers.mjs";
import { buildDist } from "./dist.mjs";
import { publishedManifest } from "./doors.mjs";
import { answerHelp } from "./help.mjs";
import { runIsolates, withIsolate } from "./isolates.mjs";
import { runLiveClients, runLivePages, runOverRelay } from "./live.mjs";
import { findChromium, runPages } from "./pages.mjs";
import { installDependencies, installFolder, ROOT } from "./runtimes.mjs";

answerHelp(import.meta.url);

/** What a page or worker says that works; engine and threads depend on the place. */
const says = (engine, threads) => {
  return `${engine}, ada, copied, no sqlite, rejected 77, ${threads}`;
};

/** Bundlers that know `new Worker(new URL(…))`; with the others batches are worked off in place. */
const FIND_THREADS = new Set(["webpack", "rspack", "vite"]);

const NO_WASM = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'";
const POLICIES = {
  "a strict policy": { policy: NO_WASM, engine: "javascript" },
  "a strict policy with wasm-unsafe-eval": {
    policy: NO_WASM.replace("'self'", "'self' 'wasm-unsafe-eval'"),
    engine: "wasm",
  },
};

/** Puts the package where the samples find it, as an installation does. */
async function stage() {
  await buildDist();
  const target = join(HOME, "node_modules", "eidetica");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  cpSync(join(ROOT, "dist"), join(target, "dist"), { recursive: true });
  writeFileSync(join(target, "package.json"), JSON.stringify(publishedManifest()));
  // The bundlers bring another version along.
  cpSync(join(ROOT, "node_modules", "ws"), join(target, "node_modules", "ws"), { recursive: true });
}

/** What a script still imports by name, which no page could load. */
function leftovers(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"))
    .flatMap((name) => {
      const found = readFileSync(join(folder, name), "utf8").matchAll(
        /^\s*(?:import|export)\b[^"'`;]*?from\s*["']([^"'./][^"']*)["']/gm,
      );
      return [...found].map(([, specifier]) => `${name} imports "${specifier}"`);
    });
}

async function bundle(name, make, folder) {
  mkdirSync(folder, { recursive: true });
  const started = performance.now();
  await make(folder);
  const left = leftovers(folder);
  if (left.length > 0) throw new Error(`${name}: ${left.join(", ")}`);
  console.log(`bundled by ${name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Complains about every outcome that is not the wanted one. */
function compare(outcomes, wanted) {
  let failed = 0;
  for (const [name, outcome] of Object.entries(outcomes)) {
    const isRight = outcome === wanted[name];
    console.log(`${isRight ? "ok    " : "FAILED"}  ${name}: ${outcome}`);
    if (!isRight) console.log(`        wanted: ${wanted[name]}`);
    failed += isRight ? 0 : 1;
  }
  return failed;
}

async function pages(home) {
  const all = {};
  const wanted = {};
  for (const [name, make] of Object.entries(PAGES)) {
    const folder = join(home, name);
    await bundle(name, make, folder);
    all[name] = { folder, isClassic: name.includes("classic") };
    wanted[name] = says("wasm", FIND_THREADS.has(name) ? "in threads" : "in place");
  }
  for (const [name, { policy, engine }] of Object.entries(POLICIES)) {
    all[name] = { folder: join(home, "webpack"), policy };
    wanted[name] = says(engine, "in threads");
  }
  return hasChromium("the pages") ? compare(await runPages(all), wanted) : 0;
}

/** Whether something can be shown; tells when it cannot, which CI does not take. */
function hasChromium(what) {
  if (findChromium() !== undefined) return true;
  if (process.env.CI) throw new Error("CI needs Chromium");
  console.log(`skipped: there is no Chromium to run ${what} in`);
  return false;
}

async function isolates(home) {
  const plain = { folder: join(home, "worker"), entry: "worker.js" };
  const given = { folder: join(home, "worker with modules"), entry: "worker_with_modules.js" };
  for (const { folder, entry } of [plain, given]) {
    await bundle(`esbuild for workerd, ${entry}`, (outdir) => worker(entry, outdir), folder);
  }
  const withoutNode = ["no_nodejs_compat_v2"];
  const workers = {
    "workerd": { ...plain, flags: withoutNode },
    "workerd with compiled modules": { ...given, flags: withoutNode },
    "workerd with the modules of Node": { ...plain, flags: [] },
  };
  const wanted = {
    "workerd": says("javascript", "in place"),
    "workerd with compiled modules": says("wasm", "in place"),
    "workerd with the modules of Node": says("native", "in place"),
  };
  return compare(await runIsolates(workers, home), wanted);
}

/** What those say that exchange live. */
const LIVE = {
  "tab one": "live with the server and the other tab",
  "tab two": "live with the server and the other tab",
  "server of the tabs": "has what the tabs wrote",
};

async function tabs(home) {
  const folder = join(home, "live page");
  await bundle("esbuild, a page that is live", livePage, folder);
  return hasChromium("the tabs") ? compare(await runLivePages(folder), LIVE) : 0;
}

/** Nodes see each other's commits live over isolates. */
async function liveIsolates(home) {
  const [relay, live] = [join(home, "live relay"), join(home, "live worker")];
  await bundle("esbuild for workerd, a relay", (to) => worker("live/relay.js", to), relay);
  await bundle("esbuild for workerd, live", (to) => worker("live/worker.js", to), live);
  const run = (folder, entry, flags, work) => withIsolate({ folder, entry, flags }, home, work);
  const cut = "two clients exchange live, also after cuts, and events tell of it";
  const all = {
    "over a relay in workerd": await run(relay, "relay.js", [], runOverRelay),
    "clients of workerd": await run(live, "worker.js", ["no_nodejs_compat_v2"], runLiveClients),
    "with the modules of Node": await run(live, "worker.js", [], runLiveClients),
  };
  return compare(all, {
    "over a relay in workerd": "an answer to of ada",
    "clients of workerd": cut,
    "with the modules of Node": cut,
  });
}

async function main() {
  installDependencies();
  installFolder(HOME, "the bundlers");
  await stage();
  const broken = await brokenBudgets();
  const home = mkdtempSync(join(tmpdir(), "eidetica-bundles-"));
  try {
    const failed = await pages(home) + await tabs(home) + await isolates(home) +
      await liveIsolates(home);
    await bundle("metro", metro, join(home, "metro"));
    return broken.length + failed;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main() === 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
