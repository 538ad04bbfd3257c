/**
 * The doors of the package. A new one is a line in the `exports` of `deno.json`; this writes them into
 * `package.json`, whose doors lead to the sources as well, so that `eidetica` means the checkout inside of it.
 *
 *   node scripts/doors.mjs
 */

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { answerHelp } from "./help.mjs";
import { ROOT } from "./runtimes.mjs";

const readJson = (name) => JSON.parse(readFileSync(join(ROOT, name), "utf8"));

/** Name of each door, and its file. */
export const DOORS = readJson("deno.json").exports;

/** The modules of the WASM engines, which only the npm package has as files. */
export const WASM_MODULES = ["blake3", "ed25519", "sha256"];

/** Where the file of a door is in the chunks for runtimes, below `dist/node` and without ending. */
export function chunkName(door) {
  return door === "." ? "mod" : door.slice("./".length);
}

/** A path without `./` and without its ending. */
const stemOf = (source) => source.slice("./".length, -".ts".length);

/** Runtimes take chunks, which load faster; bundlers take file by file, and leave out what nobody needs. */
function publishedDoor(door, source) {
  const stem = `./dist/${stemOf(source)}`;
  return {
    types: `${stem}.d.ts`,
    node: `./dist/node/${chunkName(door)}.js`,
    default: `${stem}.js`,
  };
}

function publishedDoors() {
  const doors = Object.entries(DOORS).map(([door, source]) => [door, publishedDoor(door, source)]);
  const modules = WASM_MODULES.map((name) => [
    `./wasm/${name}.wasm`,
    { types: "./dist/wasm/module.d.ts", default: `./dist/wasm/${name}.wasm` },
  ]);
  return Object.fromEntries([...doors, ...modules]);
}

/** The files that a `#name` may lead to, by condition; undefined when there is one alone. */
export function choicesOf(target) {
  return typeof target === "string" ? undefined : [...new Set(Object.values(target))];
}

function publishedImport(target) {
  if (typeof target === "string") return `./dist/${stemOf(target)}.js`;
  const { default: here, ...places } = target;
  const built = Object.entries(places).map(([place, source]) => [place, publishedImport(source)]);
  const node = `./dist/node/${basename(here, ".ts")}.js`;
  return { ...Object.fromEntries(built), node, default: publishedImport(here) };
}

function publishedImports(imports) {
  const all = Object.entries(imports).map(([name, target]) => [name, publishedImport(target)]);
  return Object.fromEntries(all);
}

/** `package.json` as it is in the package. */
export function publishedManifest() {
  const { scripts: _, devDependencies: __, ...manifest } = readJson("package.json");
  return {
    ...manifest,
    imports: publishedImports(manifest.imports),
    exports: publishedDoors(),
  };
}

function writeDoors() {
  const path = join(ROOT, "package.json");
  const text = readFileSync(path, "utf8");
  const lines = Object.entries(DOORS).map(([door, source]) => `    "${door}": "${source}"`);
  const exports = `  "exports": {\n${lines.join(",\n")}\n  },\n`;
  writeFileSync(path, text.replace(/^ {2}"exports": \{[\s\S]*?^ {2}\},\n/m, exports));
  console.log(`package.json has ${lines.length} doors`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  answerHelp(import.meta.url);
  writeDoors();
}
