/**
 * `npm run build`: the npm package in `dist/`.
 *
 *   npm run build -- [--smoke]
 *
 * With `--smoke` it is packed, installed in an empty folder, imported there by every runtime, and its types
 * are checked as a user's compiler sees them.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { buildDist } from "./dist.mjs";
import { publishedManifest } from "./doors.mjs";
import { describe, installDependencies, nodeForTools, ROOT, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

function run(command, args, cwd = ROOT) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) {
    const said = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`;
    throw new Error(`${command} ${args.join(" ")} failed\n${said}`);
  }
  return stdout;
}

const SMOKE = `
import { DocStore, Instance, NewUser } from "eidetica";
import { memoryStorage } from "eidetica/storage/memory";
import { sqliteStorage } from "eidetica/storage/sqlite";
import { ready } from "eidetica/wasm";
import { Doc } from "eidetica/core";

// Threads must be found inside the package.
const threads = [];
const host = process.getBuiltinModule("worker_threads");
host.Worker = class extends host.Worker {
  constructor(url, ...more) {
    super(url, ...more);
    threads.push(new Promise((resolve, reject) => this.once("message", resolve).once("error", reject)));
  }
};

const core = await ready();
const { instance, user } = await Instance.connectOrCreate("sqlite://./smoke.db", NewUser.passwordless("ada"));
const me = user ?? await instance.loginUser("ada");
const notes = await me.createDatabase({ name: "notes" });
await notes.withTransaction(async (tx) => (await tx.getStore(DocStore, "pages")).set("hello", "world"));
const pages = await notes.getStoreViewer(DocStore, "pages");
if (await pages.getString("hello") !== "world") throw new Error("not stored");
await instance.close();
await memoryStorage().close();
await (await sqliteStorage(":memory:")).close();
// Enough signatures for them.
const seed = new Uint8Array(32).fill(7);
const data = new Uint8Array(8);
const item = { publicKey: core.ed25519.publicKey(seed), data, signature: core.ed25519.sign(seed, data) };
const verdicts = await core.ed25519.verifyBatch(Array.from({ length: 600 }, () => item));
if (threads.length === 0) throw new Error("no threads");
// Threads keep no process alive.
const hold = setInterval(() => {}, 1000);
for (const answer of await Promise.all(threads)) {
  if (answer === "failed") throw new Error("a thread failed");
}
clearInterval(hold);
if (!verdicts.every(Boolean) || Doc.from({ a: 1 }).get("a") !== 1) throw new Error("wrong verdict");
console.log("ok");
`;

/** The doors that need an optional peer, with the peer. */
const PEERS = { "./ydoc": "yjs" };

const PEER_SMOKE = `
import { Instance, NewUser } from "eidetica";
import { YDoc } from "eidetica/ydoc";

const { instance, user } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
const db = await user.createDatabase({ name: "letters" });
await db.withTransaction(async (tx) => {
  await (await tx.getStore(YDoc, "y")).withDocMut((doc) => doc.getText("t").insert(0, "Hi"));
});
const letter = await db.getStoreViewer(YDoc, "y");
if (await letter.withDoc((doc) => doc.getText("t").toString()) !== "Hi") throw new Error("not stored");
await instance.close();
`;

/** A daemon and its client, whose parts must be those of one package. */
const DAEMON_SMOKE = `
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Instance, NewUser } from "eidetica";
import { serveSocket } from "eidetica/service";

const folder = join(import.meta.dirname, "socket");
const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
const path = join(folder, "d.sock");
const service = await serveSocket(instance, { path });
const client = await Instance.connect("unix://" + service.path);
const db = await (await client.loginUser("ada")).createDatabase({ name: "notes" });
if (await db.getName() !== "notes") throw new Error("no name");
await client.close();
await service.close();
await instance.close();
rmSync(folder, { recursive: true, force: true });
`;

/** What a page or an isolate resolves: other files of the package, by its conditions. */
const ELSEWHERE_SMOKE = `
import { Instance } from "eidetica";

const error = await Instance.connect("sqlite://./smoke.db").catch((error) => error);
if (error.fields?.missingFeature !== "sqlite") throw error;
const module = await WebAssembly.compile(
  (await import("node:fs")).readFileSync(new URL(import.meta.resolve("eidetica/wasm/ed25519.wasm"))),
);
if (WebAssembly.Module.imports(module).length > 0) throw new Error("not the module");
`;

/** Names doors, so that a type that the package does not bring along is found. */
function checkTypes(folder, doors) {
  const names = doors.map((door) => `eidetica${door.slice(1)}`);
  const lines = names.map((door, at) => `export * as door${at} from "${door}";`);
  writeFileSync(join(folder, "smoke.ts"), lines.join("\n"));
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023"];
  const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules", "@types")];
  const lib = ["--lib", "ES2024,ESNext.Disposable,DOM,DOM.Iterable,DOM.AsyncIterable"];
  run(nodeForTools(), [TSC, ...options, ...types, ...lib, "smoke.ts"], folder);
  console.log(`The types of ${doors.length} doors are complete`);
}

function runWithConditions(folder) {
  writeFileSync(join(folder, "smoke.js"), ELSEWHERE_SMOKE);
  for (const condition of Object.keys(publishedManifest().imports["#storages"])) {
    if (condition === "node" || condition === "default") continue;
    run(runtime("node"), [`--conditions=${condition}`, "smoke.js"], folder);
  }
  console.log("The package knows pages and isolates by their conditions");
}

function runEverywhere(folder, code, what) {
  writeFileSync(join(folder, "smoke.js"), code);
  for (const name of ["node", "bun", "deno"]) {
    const path = runtime(name);
    run(path, name === "deno" ? ["run", "-A", "--no-lock", "smoke.js"] : ["smoke.js"], folder);
    console.log(`${what} on ${describe(name, path)}`);
  }
}

/** The command of the package answers on every runtime. */
function runCommand(folder) {
  const command = join(folder, "node_modules", "eidetica", "bin", "eidetica");
  for (const name of ["node", "bun", "deno"]) {
    const args = [...name === "deno" ? ["run", "-A", "--no-lock"] : [], command, "--version"];
    const said = run(runtime(name), args, folder);
    if (said !== `eidetica ${version}\n`) throw new Error(`The command has printed ${said}`);
  }
  console.log("The command of the package runs");
}

/** Puts the package together as whoever publishes it does. */
function pack(folder) {
  const said = run("npm", ["pack", "--json", "--silent", "--pack-destination", folder]);
  return JSON.parse(said)[0];
}

function smoke() {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-pack-"));
  const doors = Object.keys(publishedManifest().exports);
  try {
    const { filename, files } = pack(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const install = (name) => run("npm", ["install", "--no-audit", "--no-fund", name], folder);
    install(`./${filename}`);
    checkTypes(folder, doors.filter((door) => !(door in PEERS)));
    runEverywhere(folder, SMOKE, "The package works without optional peers");
    runEverywhere(folder, DAEMON_SMOKE, "A daemon and its client work");
    runWithConditions(folder);
    runCommand(folder);
    for (const peer of Object.values(PEERS)) install(`${peer}@${devDependencies[peer]}`);
    checkTypes(folder, doors);
    runEverywhere(folder, PEER_SMOKE, "The doors of optional peers work");
    const { size } = files.reduce((sum, file) => ({ size: sum.size + file.size }), { size: 0 });
    console.log(`${files.length} files, ${Math.round(size / 1024)} KiB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  installDependencies();
  console.log(`Built dist/ with ${await buildDist()} doors`);
  if (process.argv.includes("--smoke")) smoke();
  console.log(`eidetica ${version} is ready to publish`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
