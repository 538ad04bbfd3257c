/**
 * `npm run check`: manifests, format, lint, layers, circles, types, documentation, JSR dry run, the page of the console.
 *
 *   npm run check -- [STEP…]
 *
 * The steps are manifests, format, lint, circles, types-deno, types-tsc, documentation, jsr and console; all if
 * none is named.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { choicesOf, DOORS } from "./doors.mjs";
import { answerHelp } from "./help.mjs";
import { installDependencies, nodeForTools, ROOT, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

const readJson = (name) => JSON.parse(readFileSync(join(ROOT, name), "utf8"));
const jsr = readJson("deno.json");
const doors = Object.values(DOORS);
const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");

const STEPS = {
  manifests: () => manifestProblems(),
  format: () => run(runtime("deno"), ["fmt", "--check"]),
  lint: () => run(runtime("deno"), ["lint"]),
  circles: () => run(nodeForTools(), ["scripts/check_cycles.mjs"]),
  "types-deno": () => run(runtime("deno"), ["check", "--quiet", "--no-lock", ...doors, ...CHECKED]),
  "types-tsc": () => run(nodeForTools(), [tsc, "--noEmit", "-p", "tsconfig.json"]),
  documentation: () => documentationProblems(),
  jsr: () => run(runtime("deno"), ["publish", "--dry-run", "--allow-dirty", "--no-check"]),
  console: () => run(nodeForTools(), ["scripts/console_assets.mjs", "--check"]),
};

/** What is checked besides the doors and all that they reach. */
const CHECKED = ["examples", "bench", "deploy", "tests", "scripts/lint"];

function call(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { status, text: `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}` };
}

/** The problems that a command tells of. */
function run(command, args) {
  const { status, text } = call(command, args);
  return status === 0 ? [] : [text];
}

/** How chapters of the specification are cited, which nobody outside has: tests and inner comments may. */
const CITATION = /\b(?:0\d|1[0-4])(?: §|#)[A-Z]?\d/;

/** Public symbols explain themselves in words. */
function citations() {
  const options = { cwd: ROOT, encoding: "utf8", maxBuffer: 256 * 2 ** 20 };
  const told = JSON.parse(
    spawnSync(runtime("deno"), ["doc", "--json", ...doors], options).stdout,
  );
  const problems = [];
  const walk = (value, name) => {
    if (typeof value !== "object" || value === null) return;
    const own = typeof value.name === "string" ? `${name} ${value.name}` : name;
    if (typeof value.doc === "string" && CITATION.test(value.doc)) {
      problems.push(`The comment of${own} cites a chapter: say it in words`);
    }
    for (const inner of Object.values(value)) walk(inner, own);
  };
  walk(told, "");
  return problems;
}

/** Every public symbol is documented; that a public type mentions an internal one is no fault. */
function documentationProblems() {
  const { status, text } = call(runtime("deno"), ["doc", "--lint", ...doors]);
  const told = text.split(/\n(?=error\[)/).filter((problem) => problem.startsWith("error["));
  const problems = told.filter((problem) => !problem.startsWith("error[private-type-ref]"));
  if (status !== 0 && told.length === 0) return [text];
  return [...problems, ...citations()];
}

function optionalNames({ optionalDependencies = {} }) {
  return Object.keys(optionalDependencies);
}

/** One version and the same doors in both manifests, and no trace of a registry in what is committed. */
function manifestProblems() {
  if (existsSync(join(ROOT, "package.aside.json"))) {
    return ["An interrupted npm pack left its manifest: run node scripts/pack.mjs --restore"];
  }
  const npm = readJson("package.json");
  const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  const { packages } = JSON.parse(lock);
  const locked = packages[""].version;
  const problems = [];
  if (npm.version !== jsr.version || npm.version !== locked) {
    problems.push(`Versions differ: npm ${npm.version}, JSR ${jsr.version}, lock file ${locked}`);
  }
  // Somebody has not published all add-ons that they name: whoever installs by the lock file would want them.
  for (const name of Object.values(packages).flatMap(optionalNames)) {
    if (packages[`node_modules/${name}`] !== undefined) continue;
    problems.push(`package-lock.json wants ${name} without an entry for it: take the name out`);
  }
  if (/"resolved":\s*"(?!file:)/.test(lock)) {
    problems.push("package-lock.json names a registry: set omit-lockfile-registry-resolved=true");
  }
  if (/registry\s*=\s*\S*:/.test(readFileSync(join(ROOT, ".npmrc"), "utf8"))) {
    problems.push(".npmrc names a registry: leave that to each machine");
  }
  return [...problems, ...doorProblems(npm), ...choiceProblems(npm)];
}

/** The doors lead to the same files in both manifests, and these exist. */
function doorProblems({ exports }) {
  if (JSON.stringify(exports) !== JSON.stringify(DOORS)) {
    return ["The doors of package.json are not those of deno.json: run node scripts/doors.mjs"];
  }
  const missing = Object.entries(DOORS).filter(([, source]) => !existsSync(join(ROOT, source)));
  return missing.map(([door, source]) => `The door "${door}" has no file ${source}`);
}

/** A `#name` means the same file in both manifests, or one of npm's choices; `#node…` is another on JSR. */
function choiceProblems({ imports }) {
  const problems = [];
  for (const name of new Set([...Object.keys(imports), ...Object.keys(ownImports())])) {
    const targets = Object.values(choicesOf(imports[name] ?? "") ?? [imports[name]]);
    if (!name.startsWith("#node") && !targets.includes(jsr.imports[name])) {
      problems.push(`"${name}" leads elsewhere in deno.json than in package.json`);
    }
    const files = [...targets, jsr.imports[name]];
    for (const file of files.filter((file) => !file || !existsSync(join(ROOT, file)))) {
      problems.push(`"${name}" leads to ${file}, which is not there`);
    }
  }
  return problems;
}

function ownImports() {
  return Object.fromEntries(Object.entries(jsr.imports).filter(([name]) => name.startsWith("#")));
}

function perform(name) {
  const started = performance.now();
  const problems = STEPS[name]();
  for (const problem of problems) console.error(problem);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? "ok    " : "FAILED"}  ${name} (${seconds} s)`);
  return problems.length === 0;
}

try {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !Object.hasOwn(STEPS, name));
  if (unknown) throw new Error(`There is no step "${unknown}"; ${Object.keys(STEPS).join(", ")}`);
  installDependencies();
  const results = (names.length > 0 ? names : Object.keys(STEPS)).map(perform);
  process.exitCode = results.every(Boolean) ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
