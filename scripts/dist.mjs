/**
 * Builds `dist`: file by file with declarations for bundlers, by TypeScript; in `node`, for runtimes, chunks that
 * the doors share, with source maps, by esbuild; the WASM modules as files.
 */

import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { choicesOf, chunkName, DOORS, publishedManifest, WASM_MODULES } from "./doors.mjs";
import { nodeForTools, ROOT } from "./runtimes.mjs";

const DIST = join(ROOT, "dist");
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

/** Oldest language that the package asks for: that of Node 22 without flags, and of browsers of 2023. */
const TARGET = "es2022";

/** What TypeScript knows of a module that is imported as a file. */
const WASM_TYPES = "declare const module: WebAssembly.Module;\nexport default module;\n";

function files() {
  const { status, stdout } = spawnSync(nodeForTools(), [TSC, "-p", "tsconfig.build.json"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot build file by file\n${stdout}`);
  const threads = join(DIST, "wasm", "threads.js");
  writeFileSync(threads, withThreadName(threads));
}

/** What bundlers look for, and no compiler rewrites. */
const THREAD = 'new Worker(new URL("./batch_worker.ts", import.meta.url)';

/** The text of a file that starts the thread by the name that its file has in the package. */
function withThreadName(path) {
  const source = readFileSync(path, "utf8");
  const text = source.replace(THREAD, THREAD.replace(".ts", ".js"));
  if (text === source) throw new Error(`${path} does not say ${THREAD}`);
  return text;
}

const threadName = {
  name: "name of the thread",
  setup(build) {
    build.onLoad({ filter: /[\\/]wasm[\\/]threads\.ts$/ }, ({ path }) => {
      return { contents: withThreadName(path), loader: "ts" };
    });
  },
};

/** Every chunk that is found by its name: doors, what a `#name` leads to here, and the thread. */
function entryPoints(imports) {
  const choices = Object.values(imports).filter((target) => choicesOf(target) !== undefined);
  return Object.fromEntries([
    ...Object.entries(DOORS).map(([door, source]) => [chunkName(door), source]),
    ...choices.map((target) => [basename(target.default, ".ts"), target.default]),
    ["batch_worker", "./wasm/batch_worker.ts"],
  ]);
}

async function chunks(imports) {
  const { build } = await import("esbuild");
  const open = Object.keys(imports).filter((name) => choicesOf(imports[name]) !== undefined);
  await build({
    absWorkingDir: ROOT,
    entryPoints: entryPoints(imports),
    outdir: join(DIST, "node"),
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: TARGET,
    packages: "external",
    external: open,
    sourcemap: true,
    legalComments: "inline",
    logLevel: "warning",
    plugins: [threadName],
  });
}

function wasmFiles() {
  for (const name of WASM_MODULES) {
    const source = readFileSync(join(ROOT, "wasm", "modules", `${name}.ts`), "utf8");
    const [, base64] = /"([A-Za-z0-9+/=]{1000,})"/.exec(source);
    writeFileSync(join(DIST, "wasm", `${name}.wasm`), Buffer.from(base64, "base64"));
  }
  writeFileSync(join(DIST, "wasm", "module.d.ts"), WASM_TYPES);
}

/** Builds everything anew; returns how many doors there are. */
export async function buildDist() {
  rmSync(DIST, { recursive: true, force: true });
  files();
  const { imports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  await chunks(imports);
  wasmFiles();
  return Object.keys(publishedManifest().exports).length;
}
