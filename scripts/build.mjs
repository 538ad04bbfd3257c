/**
 * `npm run build`: the npm package in `dist/`. With `--smoke` it is packed, installed in an empty folder
 * and imported from there, by every runtime.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, installDependencies, ROOT, runtime } from "./runtimes.mjs";

function run(command, args, cwd = ROOT) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed\n${stdout}${stderr}`);
  return stdout;
}

function build() {
  rmSync(join(ROOT, "dist"), { recursive: true, force: true });
  const node = globalThis.Deno || globalThis.Bun ? runtime("node") : process.execPath;
  run(node, [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  console.log("Built dist/");
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

function smoke() {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-pack-"));
  try {
    const [{ filename, files }] = JSON.parse(
      run("npm", ["pack", "--json", "--pack-destination", folder]),
    );
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    writeFileSync(join(folder, "smoke.js"), SMOKE);
    run("npm", ["install", "--no-audit", "--no-fund", `./${filename}`], folder);
    for (const name of ["node", "bun", "deno"]) {
      const path = runtime(name);
      run(path, name === "deno" ? ["run", "-A", "--no-lock", "smoke.js"] : ["smoke.js"], folder);
      console.log(`The package works on ${describe(name, path)}`);
    }
    const { size } = files.reduce((sum, file) => ({ size: sum.size + file.size }), { size: 0 });
    console.log(`${files.length} files, ${Math.round(size / 1024)} KiB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  installDependencies();
  build();
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  if (process.argv.includes("--smoke")) smoke();
  console.log(`eidetica ${version} is ready to publish`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
