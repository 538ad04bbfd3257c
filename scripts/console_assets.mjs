/**
 * The page of the console as a module that servers can send: everything below `src/console/page` and what it imports, in
 * one script and one style sheet, named by what is in them.
 *
 *   node scripts/console_assets.mjs [--check]
 *
 * `--check` writes nothing and fails when `src/console/assets.ts` is not what the sources make, or weighs too much.
 */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { ROOT } from "./runtimes.mjs";

const PAGE = join(ROOT, "src/console/page");
const TARGET = join(ROOT, "src/console/assets.ts");

/** Most bytes of both, as browsers load them. */
const BUDGET = 150 * 1024;

const NOTICE =
  `/*! With preact (MIT, © 2015-present Jason Miller) and htm (Apache-2.0, © Google). */\n`;

async function bundled(file) {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [join(PAGE, file)],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2023",
    legalComments: "none",
    absWorkingDir: ROOT,
  });
  return text;
}

function named(stem, extension, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  return `/assets/${stem}-${hash}.${extension}`;
}

const script = NOTICE + await bundled("app.js");
const style = await bundled("console.css");
const weight = gzipSync(script).length + gzipSync(style).length;
const lines = [
  "/**",
  " * The page of the console, made by `node scripts/console_assets.mjs` of what is in `page`. Do not edit.",
  " *",
  " * @module",
  " */",
  "",
  "// deno-fmt-ignore-file",
  "",
  "/** Where the script is. */",
  `export const CONSOLE_SCRIPT_PATH = ${JSON.stringify(named("console", "js", script))};`,
  "/** Where the style sheet is. */",
  `export const CONSOLE_STYLE_PATH = ${JSON.stringify(named("console", "css", style))};`,
  "/** The script. */",
  `export const CONSOLE_SCRIPT: string = ${JSON.stringify(script)};`,
  "/** The style sheet. */",
  `export const CONSOLE_STYLE: string = ${JSON.stringify(style)};`,
  "",
];
const made = lines.join("\n");

if (weight > BUDGET) {
  console.error(`The console weighs ${weight} bytes compressed; ${BUDGET} are allowed`);
  process.exitCode = 1;
} else if (!process.argv.includes("--check")) {
  writeFileSync(TARGET, made);
  console.log(`src/console/assets.ts: ${weight} bytes compressed`);
} else if (readFileSync(TARGET, "utf8") !== made) {
  console.error("src/console/assets.ts is out of date: run node scripts/console_assets.mjs");
  process.exitCode = 1;
}
