/**
 * Runs every TypeScript block of the README and of `docs/`, and of the doc comments of the sources, on
 * Deno, Bun and Node. A block stands in a folder of its own; `eidetica` means this checkout.
 *
 * `<!-- snippet: skip REASON -->` before a block leaves it out, visibly. Shell blocks are checked for
 * their syntax.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

const EXPORTS = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")).exports;

function* markdownFiles() {
  yield join(ROOT, "README.md");
  let docs = [];
  try {
    docs = readdirSync(join(ROOT, "docs"), { withFileTypes: true, recursive: true });
  } catch {
    // There is no such folder yet.
  }
  for (const item of docs) {
    if (item.name.endsWith(".md")) yield join(item.parentPath ?? item.path, item.name);
  }
}

function* sourceFiles() {
  yield join(ROOT, "mod.ts");
  for (const folder of ["src", "wasm"]) {
    for (const item of readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })) {
      if (item.isFile() && item.name.endsWith(".ts")) {
        yield join(item.parentPath ?? item.path, item.name);
      }
    }
  }
}

/** The fenced blocks of a text, with the line they begin on and the note before them. */
function blocks(text) {
  const found = [];
  const pattern = /(?:<!-- snippet: ([^>]*) -->\s*)?^```(ts|sh)\n([\s\S]*?)^```/gm;
  for (const match of text.matchAll(pattern)) {
    const line = text.slice(0, match.index).split("\n").length;
    found.push({ note: match[1]?.trim(), language: match[2], code: match[3], line });
  }
  return found;
}

/** The same text without the stars of a doc comment, line for line. */
function withoutStars(text) {
  return text.split("\n").map((line) =>
    /^\s*\*( |$)/.test(line) ? line.replace(/^\s*\* ?/, "") : line
  )
    .join("\n");
}

function collect() {
  const all = [];
  for (const file of markdownFiles()) {
    for (const block of blocks(readFileSync(file, "utf8"))) all.push({ file, ...block });
  }
  for (const file of sourceFiles()) {
    for (const block of blocks(withoutStars(readFileSync(file, "utf8")))) {
      // An example without an import shows a shape; it cannot run by itself.
      if (block.language === "ts" && block.code.includes("import ")) all.push({ file, ...block });
    }
  }
  return all;
}

function resolveImports(code, depth) {
  return code.replace(/from "eidetica(\/[^"]*)?"/g, (_, subpath = "") => {
    const target = EXPORTS[`.${subpath}`];
    if (target === undefined) throw new Error(`The package has no door "eidetica${subpath}"`);
    return `from "${"../".repeat(depth)}${target.slice(2)}"`;
  });
}

function runTypeScript(block, name, path, home) {
  const folder = mkdtempSync(join(home, "s-"));
  const file = join(folder, "snippet.ts");
  writeFileSync(file, resolveImports(block.code, 2));
  const result = spawnSync(path, runArguments(name, file), {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
  });
  return result.status === 0 ? undefined : result.stderr || result.stdout || `${result.signal}`;
}

function checkShell(block) {
  const { status, stderr } = spawnSync("sh", ["-n"], { input: block.code, encoding: "utf8" });
  return status === 0 ? undefined : stderr;
}

installDependencies();
const all = collect();
const home = join(ROOT, ".snippets");
mkdirSync(home, { recursive: true });
let failed = 0;
let ran = 0;
for (const name of ["deno", "bun", "node"]) {
  const path = runtime(name);
  for (const block of all) {
    const where = `${relative(ROOT, block.file)}:${block.line}`;
    if (block.note?.startsWith("skip")) {
      if (name === "deno") console.log(`skipped  ${where}: ${block.note.slice(5)}`);
      continue;
    }
    const failure = block.language === "ts"
      ? runTypeScript(block, name, path, home)
      : checkShell(block);
    ran++;
    if (failure === undefined) continue;
    failed++;
    console.error(`FAILED   ${where} on ${describe(name, path)}\n${failure}`);
  }
}
rmSync(home, { recursive: true, force: true });
console.log(`${ran} runs of ${all.length} snippets, ${failed} failed`);
process.exitCode = failed === 0 && ran > 0 ? 0 : 1;
