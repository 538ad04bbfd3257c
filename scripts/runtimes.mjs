/**
 * Finds Deno, Bun and Node, or installs pinned ones from npm into `.runtimes/`; installs dependencies.
 *
 * Plain JavaScript for Node 20 and newer, Deno and Bun: it runs before anything is installed.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HOME = join(ROOT, ".runtimes");

/** Oldest versions that are used when they are installed already. */
const MINIMUM = { deno: [2, 5, 0], bun: [1, 2, 0], node: [22, 18, 0] };

const WINDOWS = process.platform === "win32";
const EXE = WINDOWS ? ".exe" : "";
const NODE_PACKAGE = `node-${WINDOWS ? "win" : process.platform}-${process.arch}`;

/**
 * Pinned packages, and where their executables may stand inside `node_modules` (`*` is one name).
 * A package manager may refuse to run install scripts, so executables are taken out of the packages
 * of the platforms.
 */
const PINNED = {
  deno: { packages: { deno: "2.9.6" }, paths: [`@deno/*/deno${EXE}`] },
  bun: { packages: { bun: "1.4.5" }, paths: ["bun/bin/bun.exe", `@oven/*/bin/bun${EXE}`] },
  node: { packages: { [NODE_PACKAGE]: "24" }, paths: [`${NODE_PACKAGE}/bin/node${EXE}`] },
  node22: { packages: { [NODE_PACKAGE]: "22" }, paths: [`${NODE_PACKAGE}/bin/node${EXE}`] },
};

/** Where packages stand: npm's layout, and those of Deno and Bun that isolate each package. */
const LAYOUTS = ["", ".deno/*/node_modules/", ".bun/*/node_modules/"];

const RUNNING = globalThis.Deno ? "deno" : globalThis.Bun ? "bun" : "node";

const versions = new Map();

/** The version of an executable, as numbers; undefined when it does not run. */
function versionOf(name, executable) {
  const known = versions.get(executable);
  if (known) return known;
  // Deno and Bun answer to the name of Node where there is none: then they tell their own version,
  // which is too low for Node.
  const args = name === "node"
    ? ["-p", "process.versions.deno ?? process.versions.bun ?? process.versions.node"]
    : ["--version"];
  const { status, stdout } = spawnSync(executable, args, { encoding: "utf8" });
  const version = status === 0 ? /(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1, 4).map(Number) : null;
  if (version) versions.set(executable, version);
  return version ?? undefined;
}

function isAtLeast(version, minimum) {
  for (let at = 0; at < 3; at++) if (version[at] !== minimum[at]) return version[at] > minimum[at];
  return true;
}

/** An installed executable that is new enough: the running one, or one on the PATH. */
function installed(name) {
  if (name === "node22") return undefined;
  const candidates = RUNNING === name ? [process.execPath, name] : [name];
  return candidates.find((candidate) => {
    const version = versionOf(name, candidate);
    return version !== undefined && isAtLeast(version, MINIMUM[name]);
  });
}

/** The package manager at hand: npm, else that of Bun or Deno. */
function packageManager() {
  if (spawnSync("npm", ["--version"], { shell: WINDOWS }).status === 0) {
    // A download that hangs is begun anew, after two minutes instead of five.
    const patience = ["--fetch-timeout=120000", "--fetch-retries=4"];
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error", ...patience];
    return {
      name: "npm",
      command: "npm",
      install: ["install", ...quiet],
      frozen: ["ci", ...quiet],
    };
  }
  const bun = installed("bun");
  if (bun) {
    const install = ["install", "--no-save"];
    return { name: "bun", command: bun, install, frozen: [...install, "--frozen-lockfile"] };
  }
  const deno = installed("deno");
  if (deno) {
    const install = ["install", "--node-modules-dir=auto", "--quiet"];
    return { name: "deno", command: deno, install: [...install, "--no-lock"], frozen: install };
  }
  throw new Error(
    "Cannot install anything: there is neither npm nor Bun nor Deno on the PATH; " +
      "install npm, which comes with Node, or Bun 1.2, or Deno 2.5, and try again",
  );
}

/** Installs what the manifest in `directory` asks for; `advice` ends the message of a failure. */
function install(directory, kind, what, advice) {
  const manager = packageManager();
  const started = performance.now();
  console.error(`Installing ${what} with ${manager.name} …`);
  const { status, stdout, stderr, error } = spawnSync(manager.command, manager[kind], {
    cwd: directory,
    encoding: "utf8",
    shell: WINDOWS,
  });
  if (status !== 0) {
    const said = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trimEnd();
    const call = `${manager.name} ${manager[kind].join(" ")}`;
    throw new Error(`${said}\nCannot install ${what}: "${call}" failed in ${directory}; ${advice}`);
  }
  console.error(`Installed ${what} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Runs `work` while no other process does the same; `name` is the name of what is installed. */
function alone(name, work) {
  mkdirSync(HOME, { recursive: true });
  return withLock(join(HOME, `${name}.lock`), work);
}

/** The files that a path with `*` as a whole name stands for. */
function expand(base, pattern) {
  const [first, ...rest] = pattern.split("/");
  const names = first === "*" ? (existsSync(base) ? readdirSync(base) : []) : [first];
  const paths = names.map((name) => join(base, name));
  if (rest.length === 0) return paths.filter((path) => existsSync(path));
  return paths.flatMap((path) => expand(path, rest.join("/")));
}

/** An executable that was installed into `.runtimes/` and runs. */
function pinned(name) {
  const home = join(HOME, name, "node_modules");
  const patterns = LAYOUTS.flatMap((layout) => PINNED[name].paths.map((path) => layout + path));
  const kind = name === "node22" ? "node" : name;
  return patterns.flatMap((pattern) => expand(home, pattern)).find((path) => {
    return versionOf(kind, path) !== undefined;
  });
}

function installPinned(name) {
  const found = pinned(name);
  if (found) return found;
  const directory = join(HOME, name);
  mkdirSync(directory, { recursive: true });
  const manifest = { private: true, dependencies: PINNED[name].packages };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest, null, 2));
  const minimum = MINIMUM[name]?.slice(0, 2).join(".");
  const advice = minimum
    ? `install ${name} ${minimum} or newer by hand, put it on the PATH and try again`
    : "try again, or leave Node 22 out";
  install(directory, "install", `${name} into .runtimes/`, advice);
  const path = pinned(name);
  if (path) return path;
  throw new Error(
    `Cannot run ${name}: nothing that runs on ${process.platform} ${process.arch} came with its package; ${advice}`,
  );
}

/** Path of an executable that is there already; undefined when there is none. */
export function findRuntime(name) {
  return installed(name) ?? pinned(name);
}

/** Path of an executable of `deno`, `bun`, `node` or `node22`, installed now if need be. */
export function runtime(name) {
  if (!Object.hasOwn(PINNED, name)) {
    throw new Error(`Cannot run "${name}": choose deno, bun, node or node22`);
  }
  return findRuntime(name) ?? alone(name, () => installPinned(name));
}

/** A runtime that is there already, the running one first; Node is installed when there is none. */
export function anyRuntime() {
  for (const name of [RUNNING, "node", "deno", "bun"]) {
    const path = findRuntime(name);
    if (path) return { name, path };
  }
  return { name: "node", path: runtime("node") };
}

/** An executable of Node, for tools that want it: also one that is too old for the sources. */
export function nodeForTools() {
  return RUNNING === "node" ? process.execPath : runtime("node");
}

/** Name and version of an executable, for reports. */
export function describe(name, path) {
  const kind = name === "node22" ? "node" : name;
  return `${kind} ${versionOf(kind, path)?.join(".") ?? "?"}`;
}

/** Installs the dependencies of the checkout when they are missing or not those of the lock file. */
export function installDependencies() {
  if (areInstalled()) return;
  alone("dependencies", () => {
    if (areInstalled()) return;
    // What Deno writes down from package-lock.json; it must not outlive it.
    const byProduct = join(ROOT, "deno.lock");
    rmSync(byProduct, { force: true });
    install(ROOT, "frozen", "the dependencies", "install them by hand and try again");
    rmSync(byProduct, { force: true });
  });
}

/** Whether the dependencies are there in the versions of the lock file, whoever has installed them. */
function areInstalled() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const { dependencies, devDependencies } = packages[""];
  const direct = new Set(Object.keys({ ...dependencies, ...devDependencies }));
  return Object.entries(packages).every(([path, { version }]) => {
    if (path === "") return true;
    const manifest = join(ROOT, path, "package.json");
    // Only npm puts every package at its place of the lock file.
    if (!existsSync(manifest)) return !direct.has(path.slice("node_modules/".length));
    return JSON.parse(readFileSync(manifest, "utf8")).version === version;
  });
}

/** Installs a folder whose manifest pins every version, when anything in it is missing or another. */
export function installFolder(directory, what) {
  if (isInstalled(directory)) return;
  alone("folder", () => {
    if (!isInstalled(directory)) install(directory, "install", what, "try again");
  });
}

function isInstalled(directory) {
  const read = (path) => JSON.parse(readFileSync(join(directory, path), "utf8"));
  return Object.entries(read("package.json").dependencies).every(([name, version]) => {
    const path = join("node_modules", name, "package.json");
    return existsSync(join(directory, path)) && read(path).version === version;
  });
}

/** The arguments that make a runtime run a TypeScript file of a checkout. */
export function runArguments(name, file, args = [], root = ROOT) {
  if (name === "deno") {
    return ["run", "-A", "--no-lock", "--config", join(root, "deno.json"), file, ...args];
  }
  if (name === "bun") return [file, ...args];
  return ["--disable-warning=ExperimentalWarning", file, ...args];
}
