/** `npm run check`: format, lint, layers, circles, types, documentation, manifests. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { installDependencies, ROOT, runtime } from "./runtimes.mjs";

installDependencies();
const deno = runtime("deno");
const node = globalThis.Deno || globalThis.Bun ? runtime("node") : process.execPath;
const manifest = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
const doors = Object.values(manifest.exports);
const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");

const STEPS = [
  ["manifests", () => checkManifests()],
  ["format", () => run(deno, ["fmt", "--check"])],
  ["lint and layers", () => run(deno, ["lint"])],
  ["import circles", () => run(node, ["scripts/check_cycles.mjs"])],
  ["types (Deno)", () => run(deno, ["check", "--no-lock", ...doors, "examples", "bench", "tests"])],
  ["types (tsc)", () => run(node, [tsc, "--noEmit", "-p", "tsconfig.json"])],
  ["documentation", () => checkDocumentation()],
  ["JSR dry run", () => run(deno, ["publish", "--dry-run", "--allow-dirty", "--no-check"])],
];

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) console.error(`${stdout}${stderr}`);
  return status === 0;
}

/** Every public symbol is documented; that a public type mentions an internal one is no fault. */
function checkDocumentation() {
  const { stderr } = spawnSync(deno, ["doc", "--lint", ...doors], { cwd: ROOT, encoding: "utf8" });
  // deno-lint-ignore no-control-regex
  const text = stderr.replace(/\x1b\[[0-9;]*m/g, "");
  const problems = text.split(/\n(?=error\[)/).filter((problem) => {
    return /^error\[(?!private-type-ref)/.test(problem);
  });
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

/** One version and the same doors in both manifests, and no trace of a registry in the lock file. */
function checkManifests() {
  const npm = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const problems = [];
  if (npm.version !== manifest.version) {
    problems.push("package.json and deno.json have different versions");
  }
  const npmDoors = Object.keys(npm.exports).sort().join(" ");
  if (npmDoors !== Object.keys(manifest.exports).sort().join(" ")) {
    problems.push("package.json and deno.json export different doors");
  }
  if (/"resolved":\s*"https?:/.test(readFileSync(join(ROOT, "package-lock.json"), "utf8"))) {
    problems.push(
      "package-lock.json names a registry: keep omit-lockfile-registry-resolved in .npmrc",
    );
  }
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

let ok = true;
for (const [name, step] of STEPS) {
  const started = performance.now();
  const passed = step();
  ok &&= passed;
  console.log(
    `${passed ? "ok    " : "FAILED"}  ${name} (${
      ((performance.now() - started) / 1000).toFixed(1)
    } s)`,
  );
}
process.exitCode = ok ? 0 : 1;
