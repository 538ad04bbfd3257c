/**
 * `npm run build`: the npm package in `dist/`.
 *
 *   npm run build -- [--smoke]
 *
 * With `--smoke` it is packed, installed in an empty folder, imported there by every runtime, and its types
 * are checked as a user's compiler sees them.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { answerHelp } from "./help.mjs";
import { describe, installDependencies, nodeForTools, ROOT, runtime } from "./runtimes.mjs";

answerHelp(import.meta.url);

const { version, exports, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);
const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");

function run(command, args, cwd = ROOT) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) {
    const said = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`;
    throw new Error(`${command} ${args.join(" ")} failed\n${said}`);
  }
  return stdout;
}

function build() {
  rmSync(join(ROOT, "dist"), { recursive: true, force: true });
  run(nodeForTools(), [TSC, "-p", "tsconfig.build.json"]);
  const targets = Object.values(exports).flatMap((door) => Object.values(door));
  const missing = targets.filter((target) => !existsSync(join(ROOT, target)));
  if (missing.length > 0) throw new Error(`The build lacks exported files: ${missing.join(", ")}`);
  console.log(`Built dist/ with ${Object.keys(exports).length} doors`);
}

const SMOKE = `
import { DocStore, Instance, NewUser } from "eidetica";
import { memoryStorage } from "eidetica/storage/memory";
import { sqliteStorage } from "eidetica/storage/sqlite";
import { ready } from "eidetica/wasm";
import { Doc } from "eidetica/core";

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
// Enough signatures for worker threads, which must be found inside the package.
const seed = new Uint8Array(32).fill(7);
const data = new Uint8Array(8);
const item = { publicKey: core.ed25519.publicKey(seed), data, signature: core.ed25519.sign(seed, data) };
const verdicts = await core.ed25519.verifyBatch(Array.from({ length: 600 }, () => item));
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

function runEverywhere(folder, code, what) {
  writeFileSync(join(folder, "smoke.js"), code);
  for (const name of ["node", "bun", "deno"]) {
    const path = runtime(name);
    run(path, name === "deno" ? ["run", "-A", "--no-lock", "smoke.js"] : ["smoke.js"], folder);
    console.log(`${what} on ${describe(name, path)}`);
  }
}

function smoke() {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-pack-"));
  try {
    const [{ filename, files }] = JSON.parse(
      run("npm", ["pack", "--json", "--pack-destination", folder]),
    );
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const install = (name) => run("npm", ["install", "--no-audit", "--no-fund", name], folder);
    install(`./${filename}`);
    checkTypes(folder, Object.keys(exports).filter((door) => !(door in PEERS)));
    runEverywhere(folder, SMOKE, "The package works without optional peers");
    for (const peer of Object.values(PEERS)) install(`${peer}@${devDependencies[peer]}`);
    checkTypes(folder, Object.keys(exports));
    runEverywhere(folder, PEER_SMOKE, "The doors of optional peers work");
    const { size } = files.reduce((sum, file) => ({ size: sum.size + file.size }), { size: 0 });
    console.log(`${files.length} files, ${Math.round(size / 1024)} KiB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  installDependencies();
  build();
  if (process.argv.includes("--smoke")) smoke();
  console.log(`eidetica ${version} is ready to publish`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
