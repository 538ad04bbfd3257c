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

/** Where the file of a door is built, below `dist` and without ending: the door's name. */
export function builtName(door) {
  return door === "." ? "mod" : door.slice("./".length);
}

function publishedDoor(door, source) {
  const types = `./dist/types/${source.slice("./".length, -".ts".length)}.d.ts`;
  return { types, default: `./dist/${builtName(door)}.js` };
}

function publishedDoors() {
  const doors = Object.entries(DOORS).map(([door, source]) => [door, publishedDoor(door, source)]);
  const modules = WASM_MODULES.map((name) => [
    `./wasm/${name}.wasm`,
    { types: "./dist/types/wasm/module.d.ts", default: `./dist/wasm/${name}.wasm` },
  ]);
  return Object.fromEntries([...doors, ...modules]);
}

/** The files that a `#name` may lead to, by condition; undefined when there is one alone. */
export function choicesOf(target) {
  return typeof target === "string" ? undefined : [...new Set(Object.values(target))];
}

/** The name below `dist` of a file that a `#name` may lead to. */
export function choiceName(source) {
  return basename(source, ".ts");
}

/** What has conditions stays a choice of whoever uses the package; the rest was settled by the build. */
function publishedImports(imports) {
  const open = Object.entries(imports).filter(([, target]) => choicesOf(target) !== undefined);
  return Object.fromEntries(open.map(([name, target]) => {
    const built = Object.entries(target).map(([condition, source]) => {
      return [condition, `./dist/${choiceName(source)}.js`];
    });
    return [name, Object.fromEntries(built)];
  }));
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
