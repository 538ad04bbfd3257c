/**
 * Builds `dist`: for bundlers file by file, for runtimes in `node` in chunks that the doors share, both by esbuild
 * with maps of the sources, which the package holds; declarations by TypeScript; the WASM modules as files.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { choicesOf, chunkName, DOORS, publishedManifest, WASM_MODULES } from "./doors.mjs";
import { nodeForTools, ROOT } from "./runtimes.mjs";

const DIST = join(ROOT, "dist");
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

/** Oldest language that the package asks for: that of Node 22 without flags, and of browsers of 2023. */
const TARGET = "es2022";

/** What TypeScript knows of a module that is imported as a file. */
const WASM_TYPES = "declare const module: WebAssembly.Module;\nexport default module;\n";

function declarations() {
  const { status, stdout } = spawnSync(nodeForTools(), [TSC, "-p", "tsconfig.build.json"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot build the declarations\n${stdout}`);
}

/** What bundlers look for, and no compiler rewrites. */
const THREAD = 'new Worker(new URL("./batch_worker.ts", import.meta.url)';

/** The thread's file has another name in the package. */
const threadName = {
  name: "name of the thread",
  setup(build) {
    build.onLoad({ filter: /[\\/]wasm[\\/]threads\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source.replace(THREAD, THREAD.replace(".ts", ".js"));
      if (contents === source) throw new Error(`${path} does not say ${THREAD}`);
      return { contents, loader: "ts" };
    });
  },
};

/** Every file stays on its own and finds the others by their names in the package. */
const fileByFile = {
  name: "file by file",
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ kind, path }) => {
      if (kind === "entry-point") return undefined;
      return { path: path.replace(/\.ts$/, ".js"), external: true };
    });
  },
};

/** What both builds share. */
const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  platform: "node",
  target: TARGET,
  packages: "external",
  sourcemap: true,
  sourcesContent: false,
  legalComments: "inline",
  logLevel: "warning",
};

function sources() {
  const below = ["src", "wasm"].flatMap((folder) => {
    const names = readdirSync(join(ROOT, folder), { recursive: true });
    return names.map((name) => join(folder, name));
  });
  return ["mod.ts", ...below].filter((path) => path.endsWith(".ts"));
}

async function files() {
  const { build } = await import("esbuild");
  await build({
    ...OPTIONS,
    entryPoints: sources(),
    outdir: DIST,
    outbase: ROOT,
    external: ["#*"],
    plugins: [threadName, fileByFile],
  });
}

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
  await build({
    ...OPTIONS,
    entryPoints: entryPoints(imports),
    outdir: join(DIST, "node"),
    chunkNames: "chunk-[hash]",
    splitting: true,
    external: Object.keys(imports).filter((name) => choicesOf(imports[name]) !== undefined),
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
  declarations();
  await files();
  const { imports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  await chunks(imports);
  wasmFiles();
  return Object.keys(publishedManifest().exports).length;
}
