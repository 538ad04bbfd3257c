/**
 * `npm run snippets`: runs every TypeScript block of the README, of `docs/` and of the doc comments of
 * the sources, on Deno, Bun and Node.
 *
 *   npm run snippets -- [FILE…]
 *
 * Each stands in a folder of its own; `eidetica` means this checkout. Shell blocks are checked for their
 * syntax, and run once in the checkout when a note says so. The notes are those of `markdown.mjs`.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { answerHelp } from "./help.mjs";
import { blocks, withoutStars } from "./markdown.mjs";
import { failureOf, inParallel, JOBS } from "./parallel.mjs";
import { describe, installDependencies, ROOT, runArguments, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

/** A block may take this long, in milliseconds. */
const TIMEOUT_MS = 120_000;

function filesBelow(folder, ending) {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile() && item.name.endsWith(ending))
    .map((item) => join(item.parentPath ?? item.path, item.name)).sort();
}

function read(file, change = (text) => text) {
  try {
    return blocks(change(readFileSync(file, "utf8"))).map((block) => ({
      ...block,
      where: `${relative(ROOT, file)}:${block.line}`,
    }));
  } catch (error) {
    throw new Error(`${relative(ROOT, file)}: ${error.message}`);
  }
}

/** The blocks of these files, or of all. */
function collect(named) {
  const chosen = new Set(named.map((file) => resolve(file)));
  const unknown = [...chosen].find((file) => !existsSync(file));
  if (unknown !== undefined) throw new Error(`Cannot run snippets: there is no file ${unknown}`);
  const isChosen = (file) => chosen.size === 0 || chosen.has(file);
  const pages = [join(ROOT, "README.md"), ...filesBelow("docs", ".md")];
  const sources = [join(ROOT, "mod.ts"), ...filesBelow("src", ".ts"), ...filesBelow("wasm", ".ts")];
  return [
    ...pages.filter(isChosen).flatMap((file) => read(file)),
    // An example of a doc comment without an import shows a shape; it cannot run by itself.
    ...sources.filter(isChosen).flatMap((file) => read(file, withoutStars)).filter((
      { language, code },
    ) => language === "ts" && code.includes("import ")),
  ];
}

async function runTypeScript(block, name, path, home) {
  const folder = mkdtempSync(join(home, "s-"));
  const file = join(folder, "snippet.ts");
  writeFileSync(file, block.code);
  return await failureOf(path, runArguments(name, file), { cwd: folder, timeout: TIMEOUT_MS });
}

function runShell({ note, code }) {
  const args = note === "run" ? ["-eu"] : ["-n"];
  const run = spawnSync("sh", args, { cwd: ROOT, input: code, encoding: "utf8" });
  if (run.status === 0) return undefined;
  return `${run.stdout ?? ""}${run.stderr ?? ""}` || run.error?.message || `ended by ${run.signal}`;
}

function complain(where, title, failure) {
  if (failure === undefined) return 0;
  console.error(`FAILED   ${where}${title}\n${failure}`);
  return 1;
}

async function main() {
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  installDependencies();
  const all = collect(positionals);
  const skips = all.filter(({ note }) => note === "skip");
  const due = all.filter(({ note }) => note !== "skip");
  const typed = due.filter(({ language }) => language === "ts");
  const shell = due.filter(({ language }) => language === "sh");
  for (const { where, reason } of skips) console.log(`skipped  ${where}: ${reason}`);
  let failed = 0;
  for (const block of shell) failed += complain(block.where, "", runShell(block));
  const home = mkdtempSync(join(ROOT, ".snippets-"));
  try {
    for (const name of ["deno", "bun", "node"]) {
      const path = runtime(name);
      const title = describe(name, path);
      await inParallel(typed, JOBS, async (block) => {
        const failure = await runTypeScript(block, name, path, home);
        failed += complain(block.where, ` on ${title}`, failure);
      });
      console.log(`${typed.length} snippets on ${title}`);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  console.log(`${shell.length} shell blocks, ${skips.length} skipped, ${failed} failed`);
  process.exitCode = failed === 0 && due.length > 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
