import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { EideticaError, Instance, NewUser } from "../../mod.ts";
import { denoKvStorage } from "../../src/storage/deno_kv/mod.ts";
import { fileStorage } from "../../src/storage/file/mod.ts";
import { sqliteStorage } from "../../src/storage/sqlite/mod.ts";
import { missingPermission } from "../../src/util/permission.ts";
import { noDisk, withDisk } from "../helpers/small_disk.ts";
import { temporaryFolder } from "./child.ts";

const folder = temporaryFolder();
const SCRIPT = fileURLToPath(new URL("./fixtures/try_open.ts", import.meta.url));
const WATCHING = fileURLToPath(new URL("./fixtures/watch_kv.ts", import.meta.url));
const ROOT = join(dirname(SCRIPT), "..", "..", "..");
const isDeno = "deno" in process.versions;
const isNode = !isDeno && !("bun" in process.versions);
const hasModel = isNode && process.allowedNodeEnvironmentFlags.has("--permission");

/** Deno gives what it starts as itself all its own permissions, so it must not see that it does. */
const RUNTIME = isDeno ? join(folder, "runtime") : process.execPath;
if (isDeno) writeFileSync(RUNTIME, `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o700 });

interface Said {
  readonly code: string;
  readonly message?: string;
}

/** What a process with these permissions alone says about opening a URL. */
function opening(url: string, ...allowed: string[]): Promise<Said> {
  return run(SCRIPT, url, allowed);
}

/** What a script says that runs with these permissions alone. */
function run(script: string, argument: string, allowed: readonly string[]): Promise<Said> {
  const config = join(ROOT, "deno.json");
  const deno = ["run", "--no-check", "--no-lock", "--no-prompt", "--unstable-kv"];
  const start = isDeno ? [...deno, "--config", config] : ["--permission"];
  return new Promise((resolve, reject) => {
    execFile(RUNTIME, [...start, ...allowed, script, argument], (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout.trim().split("\n").at(-1)!));
      else reject(error);
    });
  });
}

async function lacks(flag: string, url: string, ...allowed: string[]): Promise<void> {
  const { code, message } = await opening(url, ...allowed);
  assert.equal(code, "PermissionDenied", `${url}: ${message}`);
  assert.ok(message!.endsWith(`start it with ${flag}`), message);
}

describe("what a runtime does not allow is told by the permission that is missing", () => {
  const skip = !isDeno && "this is not Deno";
  for (const [scheme, file] of [["sqlite", "x.db"], ["memory", "x.json"], ["denokv", "x.kv"]]) {
    it(`Deno, ${scheme}`, { skip }, async () => {
      const parent = join(folder, scheme!);
      const path = join(parent, file!);
      const url = scheme === "denokv" ? `denokv:${path}` : `${scheme}://${path}`;
      const files = [`--allow-read=${parent}`, `--allow-write=${parent}`];
      await lacks(`--allow-read=${path}`, url);
      // A snapshot file begins with the mark of its holder.
      const first = scheme === "memory" ? `${path}.lock` : path;
      await lacks(`--allow-write=${first}`, url, files[0]!);
      assert.equal(existsSync(parent), false);
      const opened = await opening(url, ...files);
      const isOpened = opened.code === "opened";
      assert.ok(scheme === "memory" ? opened.message!.includes(parent) : isOpened, opened.message);
    });
  }
  it("Deno, file", { skip }, async () => {
    const path = join(folder, "store");
    const url = `file://${path}`;
    await lacks(`--allow-read=${path}/journal`, url);
    await lacks(`--allow-write=${path}`, url, `--allow-read=${path}`);
    const files = [`--allow-read=${path}`, `--allow-write=${path}`];
    assert.equal((await opening(url, ...files)).code, "opened");
  });
  it("Deno, denokv is watched by a process that may see its file alone", { skip }, async () => {
    const path = join(folder, "watched.kv");
    await (await denoKvStorage(path)).close();
    const files = [`--allow-read=${path},${ROOT}`, `--allow-write=${path}`];
    assert.deepEqual(await run(WATCHING, path, files), { code: "told" });
  });
  it("Deno, postgres", { skip }, async () => {
    const url = "postgres://u:p@127.0.0.1:1/d";
    const { code } = await opening(url, "--allow-env", "--allow-net");
    if (code === "BackendUnavailable") return;
    await lacks("--allow-env", url);
    await lacks("--allow-net=127.0.0.1:1", url, "--allow-env");
    assert.equal(code, "CannotOpen");
  });
  it(
    "Deno, what stays in memory, and the platform's own database, need none",
    { skip },
    async () => {
      for (const url of ["memory:", "sqlite::memory:", "denokv::memory:"]) {
        assert.deepEqual(await opening(url), { code: "opened" }, url);
      }
    },
  );
  for (const [scheme, name] of [["sqlite", "x.db"], ["memory", "x.json"], ["file", "store"]]) {
    it(`Node, ${scheme}`, { skip: !hasModel && "no permissions of Node here" }, async () => {
      const path = join(folder, scheme!, name!);
      const { code, message } = await opening(`${scheme}://${path}`, "--allow-fs-read=*");
      assert.equal(code, "PermissionDenied", message);
      assert.match(message!, /start it with --allow-fs-write=\//);
      assert.ok(message!.includes(dirname(path)), message);
    });
  }
});

describe("a folder that cannot be written in is told, whatever is to be made there", () => {
  const openings: readonly (readonly [name: string, open: (path: string) => Promise<unknown>])[] = [
    ["sqlite", (path) => sqliteStorage(path)],
    ["file", (path) => fileStorage(path)],
    ["memory", (path) => Instance.connectOrCreate(`memory://${path}`, NewUser.passwordless("ada"))],
    ...(isDeno ? [["denokv", (path: string) => denoKvStorage(path)] as const] : []),
  ];
  for (const [name, open] of openings) {
    const isRefused = async (parent: string) => {
      const path = join(parent, "x");
      await assert.rejects(open(path), (error) => {
        assert.ok(error instanceof EideticaError, String(error));
        assert.equal(error.code, name === "memory" ? "InvalidSnapshot" : "ReadOnly");
        return error.message.includes(path);
      });
      assert.deepEqual(readdirSync(parent), []);
    };
    it(`${name}, without the right`, {
      skip: process.getuid?.() === 0 && "root may write everywhere",
    }, async () => {
      const parent = mkdtempSync(join(folder, "mine-"));
      chmodSync(parent, 0o500);
      await isRefused(parent);
    });
    it(
      `${name}, on a disk that is mounted for reading only`,
      { skip: noDisk() },
      () =>
        withDisk(1, async (disk) => {
          disk.freeze();
          await isRefused(disk.folder);
        }),
    );
  }
});

describe("permissions in errors of runtimes", () => {
  const made = (name: string, message: string, more: object = {}) =>
    missingPermission(Object.assign(new Error(message), { name, ...more }));
  it("are read where they are, and nothing else is taken for one", () => {
    assert.equal(
      made(
        "NotCapable",
        'Requires net access to "db.example:5432", run again with the --allow-net flag',
      ),
      "--allow-net=db.example:5432",
    );
    assert.equal(
      made("NotCapable", "Requires run access, run again with the --allow-run flag"),
      "--allow-run",
    );
    assert.equal(made("NotCapable", "something new"), "--allow-all");
    const code = "ERR_ACCESS_DENIED";
    const node =
      "Access to this API has been restricted. Use --allow-fs-write to manage permissions.";
    assert.equal(made("Error", node, { code, resource: "/x" }), "--allow-fs-write=/x");
    assert.equal(made("Error", node, { code }), "--allow-fs-write");
    assert.equal(made("Error", "EACCES: permission denied", { code: "EACCES" }), undefined);
    assert.equal(missingPermission("NotCapable"), undefined);
  });
});
