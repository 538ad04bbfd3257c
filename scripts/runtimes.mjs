/**
 * Finds Deno, Bun and Node, or installs pinned ones from npm into `.runtimes/`.
 *
 * Plain JavaScript for Node 20 and newer, Deno and Bun: it runs before anything is installed.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HOME = join(ROOT, ".runtimes");

/** Oldest versions that are used when they are installed already. */
const MINIMUM = { deno: [2, 5, 0], bun: [1, 2, 0], node: [22, 18, 0] };

const PLATFORM = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const EXE = process.platform === "win32" ? ".exe" : "";

/** Pinned packages, and where their executables may stand inside `node_modules`. */
const PINNED = {
  deno: { packages: { deno: "2.9.6" }, paths: denoPaths() },
  bun: {
    packages: { bun: "1.4.5" },
    paths: ["bun/bin/bun.exe", `@oven/bun-${PLATFORM.replace("arm64", "aarch64")}/bin/bun${EXE}`],
  },
  node: nodePackage("24"),
  node22: nodePackage("22"),
};

function denoPaths() {
  const arch = process.arch;
  const names = [`linux-${arch}-glibc`, `darwin-${arch}`, `win32-${arch}`];
  return names.map((name) => `@deno/${name}/deno${EXE}`);
}

function nodePackage(major) {
  const name = `node-${PLATFORM}`;
  return { packages: { [name]: major }, paths: [`${name}/bin/node${EXE}`] };
}

/** The version that an executable reports, as numbers; undefined when it does not run. */
function versionOf(executable) {
  const { status, stdout } = spawnSync(executable, ["--version"], { encoding: "utf8" });
  const match = status === 0 ? /(\d+)\.(\d+)\.(\d+)/.exec(stdout) : null;
  return match?.slice(1, 4).map(Number);
}

function isAtLeast(version, minimum) {
  for (let at = 0; at < 3; at++) if (version[at] !== minimum[at]) return version[at] > minimum[at];
  return true;
}

/** An installed executable that is new enough: the running one, or one on the PATH. */
function installed(name) {
  if (name === "node22") return undefined;
  const running = !globalThis.Deno && !globalThis.Bun ? "node" : globalThis.Deno ? "deno" : "bun";
  const candidates = running === name ? [process.execPath, name] : [name];
  return candidates.find((candidate) => {
    const version = versionOf(candidate);
    return version !== undefined && isAtLeast(version, MINIMUM[name]);
  });
}

/** The package manager at hand: npm, else that of Bun or Deno. */
function packageManager() {
  if (runs("npm")) {
    return {
      name: "npm",
      install: ["install", "--no-audit", "--no-fund", "--loglevel=error"],
      frozen: ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    };
  }
  const bun = installed("bun");
  if (bun) return { name: bun, install: ["install"], frozen: ["install"] };
  const deno = installed("deno");
  if (deno) {
    return {
      name: deno,
      install: ["install", "--node-modules-dir=auto"],
      frozen: ["install", "--node-modules-dir=auto"],
    };
  }
  throw new Error("Cannot install anything: there is neither npm nor Bun nor Deno on the PATH");
}

function runs(command) {
  return spawnSync(command, ["--version"], { shell: process.platform === "win32" }).status === 0;
}

function install(directory, args, what) {
  const manager = packageManager();
  const { status } = spawnSync(manager.name, manager[args], {
    cwd: directory,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    throw new Error(
      `Cannot install ${what}: "${manager.name} ${
        manager[args][0]
      }" failed in ${directory}; install it by hand and try again`,
    );
  }
}

function pinnedPath(name) {
  const home = join(HOME, name, "node_modules");
  return PINNED[name].paths.map((path) => join(home, path)).find((path) => {
    return existsSync(path) && versionOf(path) !== undefined;
  });
}

/** Path of an executable of `deno`, `bun`, `node` or `node22`, installed now if need be. */
export function runtime(name) {
  const found = installed(name) ?? pinnedPath(name);
  if (found) return found;
  const directory = join(HOME, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ private: true, dependencies: PINNED[name].packages }, null, 2),
  );
  console.error(`Installing ${name} into .runtimes/ …`);
  install(directory, "install", name);
  const path = pinnedPath(name);
  if (path) return path;
  throw new Error(
    `Cannot run ${name}: the package was installed, and no executable for ${PLATFORM} came with it`,
  );
}

/** Name and version of an executable, for reports. */
export function describe(name, path) {
  return `${name.replace(/\d+$/, "")} ${versionOf(path)?.join(".") ?? "?"}`;
}

/** Installs the dependencies of the checkout when they are missing or out of date. */
export function installDependencies() {
  const lock = join(ROOT, "package-lock.json");
  const marker = join(ROOT, "node_modules", ".package-lock.json");
  const fresh = existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs;
  if (fresh || (existsSync(join(ROOT, "node_modules")) && hasAll())) return;
  console.error("Installing dependencies …");
  install(ROOT, "frozen", "the dependencies");
}

/** Whether every dependency is there in the wanted version, whoever has installed it. */
function hasAll() {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  const require = createRequire(join(ROOT, "package.json"));
  return Object.keys({ ...dependencies, ...devDependencies }).every((name) => {
    return (require.resolve.paths(name) ?? []).some((path) =>
      existsSync(join(path, name, "package.json"))
    );
  });
}

/** The arguments that make a runtime run a TypeScript file. */
export function runArguments(name, file, args = []) {
  if (name === "deno") {
    return ["run", "-A", "--no-lock", "--config", join(ROOT, "deno.json"), file, ...args];
  }
  return [file, ...args];
}
