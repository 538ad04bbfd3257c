/**
 * `npm run fresh`: the two commands of the README in copies of the checkout without anything installed.
 *
 *   npm run fresh
 *
 * They run on a PATH that holds nothing but Node and npm, nothing but Deno, or nothing but Bun. For POSIX.
 */

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { describe, nodeForTools, ROOT, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

/** One quick file: what is tried is the way to it, on every runtime. */
const TEST = "tests/util/bytes_test.ts";

/** What a machine has, and how it says the two commands. */
const MACHINES = {
  node: {
    tools: () => ({ node: nodeForTools(), npm: onPath("npm"), sh: "/bin/sh" }),
    commands: [["npm", "start"], ["npm", "test", "--", TEST]],
  },
  deno: {
    tools: () => ({ deno: runtime("deno") }),
    commands: [["deno", "task", "start"], ["deno", "task", "test", TEST]],
  },
  bun: {
    tools: () => ({ bun: runtime("bun") }),
    commands: [["bun", "run", "start"], ["bun", "run", "test", TEST]],
  },
};

function onPath(name) {
  if (name.includes("/")) return name;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`Cannot try a fresh clone: there is no ${name}`);
  return found;
}

/** A folder for the PATH with links to these tools alone. */
function pathOf(tools, home) {
  const folder = join(home, "bin");
  mkdirSync(folder);
  for (const [name, path] of Object.entries(tools)) {
    symlinkSync(realpathSync(onPath(path)), join(folder, name));
  }
  return folder;
}

/** What git would commit now. */
function copyCheckout(target) {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { status, stdout } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error("Cannot try a fresh clone: git does not list the files");
  for (const file of stdout.split("\0").filter((file) => file && existsSync(join(ROOT, file)))) {
    cpSync(join(ROOT, file), join(target, file));
  }
}

/** The environment without what an outer package manager says about its own project. */
function environment(path) {
  const inherited = /^(npm_(?!config_)|npm_config_(local_prefix|prefix)$|INIT_CWD$|NODE$|CI$)/;
  const kept = Object.entries(process.env).filter(([name]) => !inherited.test(name));
  return { ...Object.fromEntries(kept), PATH: path };
}

function tryMachine(name, { tools, commands }) {
  const home = mkdtempSync(join(tmpdir(), "eidetica-fresh-"));
  try {
    const clone = join(home, "clone");
    copyCheckout(clone);
    const path = pathOf(tools(), home);
    for (const [command, ...args] of commands) {
      const options = { cwd: clone, encoding: "utf8", env: environment(path) };
      const { status, stdout, stderr, error } = spawnSync(join(path, command), args, options);
      const call = [command, ...args].join(" ");
      if (status !== 0) throw new Error(`"${call}" failed\n${stdout}${stderr}${error ?? ""}`);
      console.log(`ok  ${call}`);
    }
  } catch (error) {
    console.error(`FAILED  on a machine with only ${name}: ${error.message}`);
    process.exitCode = 1;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

for (const [name, machine] of Object.entries(MACHINES)) {
  const path = name === "node" ? nodeForTools() : runtime(name);
  console.log(`=== only ${describe(name, path)}${name === "node" ? " and npm" : ""} ===`);
  tryMachine(name, machine);
}
