/** Fails when value imports of the sources form a circle. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { ROOT } from "./runtimes.mjs";

/** Static imports and re-exports of values: `import type` and `export type` do not count. */
const IMPORT = /^\s*(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?"(\.[^"]+)"/gm;

function isTypesOnly(statement) {
  const names = /\{([^}]*)\}/.exec(statement)?.[1];
  if (names === undefined) return false;
  const all = names.split(",").map((name) => name.trim()).filter(Boolean);
  return all.length > 0 && all.every((name) => name.startsWith("type "));
}

const files = ["src", "wasm"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile() && item.name.endsWith(".ts"))
    .map((item) => join(item.parentPath ?? item.path, item.name))
);
const graph = new Map(files.map((file) => {
  const imports = [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .filter((match) => !isTypesOnly(match[0]))
    .map((match) => resolve(dirname(file), match[1]));
  return [file, imports];
}));

const done = new Set();
const cycles = [];

function visit(file, path) {
  const at = path.indexOf(file);
  if (at >= 0) return void cycles.push([...path.slice(at), file]);
  if (done.has(file)) return;
  for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
  done.add(file);
}

for (const file of graph.keys()) visit(file, []);
for (const cycle of cycles) {
  console.error(`Import circle: ${cycle.map((file) => relative(ROOT, file)).join(" → ")}`);
}
console.log(`${graph.size} files, ${cycles.length} import circles`);
process.exitCode = cycles.length === 0 ? 0 : 1;
