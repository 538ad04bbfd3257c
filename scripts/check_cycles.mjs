/**
 * Fails when value imports of the sources form a circle.
 *
 *   node scripts/check_cycles.mjs [ROOT]     ROOT holds `src` and `wasm`; the checkout if left out
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { ROOT } from "./runtimes.mjs";

/**
 * Files that need each other by nature: a document holds lists and documents, and its parser and converter
 * make both. None of them uses another while it loads, so any of them may be imported first
 * (tests/house/cycles_test.ts does). Nothing else is let off.
 */
const KNOTS = [
  ["convert.ts", "doc.ts", "doc_parse.ts", "list.ts"].map((name) => `src/crdt/${name}`),
];

/** Static imports and re-exports; whole statements of types are left out. */
const IMPORT = /^\s*(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?"(\.[^"]+)"/gm;

/** Whether every name between the braces is a type; a default import before them is a value. */
function isTypesOnly(statement) {
  const names = /^\s*(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1];
  const all = names?.split(",").map((name) => name.trim()).filter(Boolean) ?? [];
  return all.length > 0 && all.every((name) => name.startsWith("type "));
}

function sources(root) {
  return ["src", "wasm"].map((folder) => join(root, folder)).filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { withFileTypes: true, recursive: true }))
    .filter((item) => item.isFile() && item.name.endsWith(".ts"))
    .map((item) => join(item.parentPath ?? item.path, item.name));
}

function valueImports(file) {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)]
    .filter(([statement]) => !isTypesOnly(statement))
    .map(([, specifier]) => resolve(dirname(file), specifier));
}

/** At least one circle of every knot in a graph of file → imported files. */
function circles(graph) {
  const done = new Set();
  const found = [];
  function visit(file, path) {
    const at = path.indexOf(file);
    if (at >= 0) return void found.push([...path.slice(at), file]);
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  }
  for (const file of graph.keys()) visit(file, []);
  return found;
}

/** The graph with each knot as one file, so that a circle through it and others is still found. */
function withKnotsTied(graph) {
  const tied = new Map();
  const name = (file) => {
    const knot = KNOTS.find((knot) => knot.includes(relative(root, file)));
    return knot === undefined ? file : join(root, knot[0]);
  };
  for (const [file, targets] of graph) {
    const from = name(file);
    const to = targets.map((target) =>
      name(target) === from && target !== file ? [] : [name(target)]
    );
    tied.set(from, [...tied.get(from) ?? [], ...to.flat()]);
  }
  return tied;
}

const root = resolve(process.argv[2] ?? ROOT);
const graph = new Map(sources(root).map((file) => [file, valueImports(file)]));
const found = circles(withKnotsTied(graph));
for (const circle of found) {
  console.error(`Import circle: ${circle.map((file) => relative(root, file)).join(" → ")}`);
}
console.log(`${graph.size} files, ${found.length} import circles`);
process.exitCode = found.length === 0 && graph.size > 0 ? 0 : 1;
