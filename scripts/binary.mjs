/**
 * `npm run binary`: the command as one file that needs no runtime, by `bun build --compile`, which is tried then.
 *
 *   npm run binary -- [FILE]
 *
 * FILE is `dist/eidetica` unless told.
 */

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { installDependencies, ROOT, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  const said = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`;
  throw new Error(`${command} ${args.join(" ")} failed\n${said}`);
}

/** Bun takes a file without an ending for data, and finds the package from within the checkout alone. */
function compile(target) {
  const folder = mkdtempSync(join(ROOT, ".snippets-binary-"));
  try {
    copyFileSync(join(ROOT, "bin", "eidetica"), join(folder, "eidetica.mjs"));
    const args = ["build", "--compile", join(folder, "eidetica.mjs"), "--outfile", target];
    run(runtime("bun"), args, ROOT);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryOut(target) {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-binary-"));
  try {
    const version = run(target, ["--version"], folder).trim();
    run(target, ["daemon", "init", "--username", "ada", "--passwordless"], folder);
    run(target, ["db", "create", "orchard"], folder);
    run(target, ["db", "set", "orchard", "trees", "t1", '{"n":1}', "--table"], folder);
    const row = run(target, ["db", "get", "orchard", "trees", "t1"], folder);
    if (row !== '{"n":1}\n') throw new Error(`The binary has printed ${row}`);
    console.log(`${version}, ${Math.round(statSync(target).size / 2 ** 20)} MiB: ${target}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  installDependencies();
  const target = resolve(process.argv[2] ?? join(ROOT, "dist", "eidetica"));
  mkdirSync(dirname(target), { recursive: true });
  compile(target);
  tryOut(target);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
