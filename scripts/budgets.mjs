/** What a page loads for a part of the package, minified and compressed, against what it may load at most. */

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { HOME } from "./bundlers.mjs";

const require = createRequire(join(HOME, "package.json"));

/** What a page does that opens an instance in memory, makes a user and commits. */
const FIRST_STEPS = `
import { DocStore, Instance, NewUser } from "eidetica";

const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
const notes = await user.createDatabase({ name: "notes" });
await notes.withTransaction(async (tx) => (await tx.getStore(DocStore, "pages")).set("a", 1));
if (await (await notes.getStoreViewer(DocStore, "pages")).get("a") !== 1) throw new Error("not stored");
await instance.loginUser("ada");
await instance.close();
`;

/**
 * In units of 1,000 bytes. The crypto core, which every page needs once, is counted apart. The goal for `Instance`
 * was 75. What is left runs at every commit, or belongs to methods that cannot wait for it to be loaded; 10 are texts of errors.
 */
const BUDGETS = [
  { what: "ID", code: 'export { ID } from "eidetica/core"', limit: 8, withCrypto: true },
  { what: "Entry", code: 'export { Entry } from "eidetica/core"', limit: 20 },
  { what: "Instance", code: 'export { Instance, NewUser } from "eidetica"', limit: 86 },
];

const withoutCrypto = {
  name: "without crypto",
  setup(build) {
    build.onResolve({ filter: /\/wasm\/\w+\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** Parts that are loaded when they are needed are not there. The crypto core is. */
const withoutParts = {
  name: "without parts",
  setup(build) {
    build.onResolve({ filter: /\/(src|\.)\// }, ({ kind, importer, path }) => {
      if (kind !== "dynamic-import" || /[\\/]wasm[\\/]/.test(importer)) return undefined;
      return { path: `missing:${path}`, external: true };
    });
  },
};

/** The outputs that are loaded at once, without those that are loaded when they are needed. */
function loadedAtOnce(outputs, name, seen = new Set()) {
  if (seen.has(name) || outputs[name] === undefined) return seen;
  seen.add(name);
  for (const { kind, path } of outputs[name].imports) {
    if (kind === "import-statement") loadedAtOnce(outputs, path, seen);
  }
  return seen;
}

async function bundle(code, plugins, options) {
  const { build } = await import(pathToFileURL(require.resolve("esbuild")).href);
  return await build({
    absWorkingDir: HOME,
    stdin: { contents: code, resolveDir: HOME },
    bundle: true,
    format: "esm",
    outdir: "out",
    plugins,
    ...options,
  });
}

async function weightOf(code, plugins) {
  const { metafile, outputFiles } = await bundle(code, plugins, {
    minify: true,
    splitting: true,
    write: false,
    metafile: true,
  });
  const names = [...loadedAtOnce(metafile.outputs, "out/stdin.js")];
  const files = outputFiles.filter(({ path }) => {
    return names.some((name) => path.endsWith(name.slice("out".length)));
  });
  const bytes = files.reduce((sum, { contents }) => {
    return sum + gzipSync(contents, { level: 9 }).length;
  }, 0);
  return { weight: bytes / 1000, rooms: roomsOf(names.map((name) => metafile.outputs[name])) };
}

/** What each room of the house has in some outputs, minified, the largest first. */
function roomsOf(outputs) {
  const rooms = new Map();
  for (const [path, { bytesInOutput }] of outputs.flatMap(({ inputs }) => Object.entries(inputs))) {
    const room = path.replace(/^.*\/dist\//, "").replace(/\/[^/]*$/, "");
    rooms.set(room, (rooms.get(room) ?? 0) + bytesInOutput);
  }
  return [...rooms].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a);
}

/** Takes the first steps where nothing can be loaded later. */
async function takeFirstSteps() {
  const outdir = mkdtempSync(join(tmpdir(), "eidetica-first-steps-"));
  try {
    await bundle(FIRST_STEPS, [withoutParts], { outdir, outExtension: { ".js": ".mjs" } });
    await import(pathToFileURL(join(outdir, "stdin.mjs")).href);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

async function firstStepsFault() {
  try {
    await takeFirstSteps();
    console.log("ok      the first steps need nothing that is loaded later");
    return [];
  } catch (error) {
    console.log(`FAILED  the first steps need more than is loaded at once: ${error.stack}`);
    return [error.message];
  }
}

/** The budgets that do not hold, after a line for each. */
export async function brokenBudgets() {
  const broken = [];
  for (const { what, code, limit, withCrypto } of BUDGETS) {
    const all = await weightOf(code, []);
    const { weight, rooms } = withCrypto ? all : await weightOf(code, [withoutCrypto]);
    const crypto = withCrypto ? "" : `, and ${(all.weight - weight).toFixed(1)} KB of crypto`;
    const line = `${what}: ${weight.toFixed(1)} KB of ${limit} KB${crypto}`;
    console.log(`${weight <= limit ? "ok    " : "FAILED"}  ${line}`);
    if (weight <= limit) continue;
    broken.push(line);
    // What to look at first.
    for (const [room, bytes] of rooms) console.log(`${String(bytes).padStart(10)}  ${room}`);
  }
  return [...broken, ...await firstStepsFault()];
}
