import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { type DenoKv, denoKvStorage } from "../../src/storage/deno_kv/mod.ts";
import { KvPolling } from "../../src/storage/deno_kv/poll.ts";
import { removeAbandoned, writeParts } from "../../src/storage/deno_kv/parts.ts";
import { StorageError } from "../../src/util/errors.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { testStorage } from "../../src/testing/storage.ts";
import { awake, exitCode, startChild, temporaryFolder } from "./child.ts";
import { testModel } from "./model.ts";
import { testExit, testKill, testRace } from "./processes.ts";

const folder = temporaryFolder();
let count = 0;
const newPath = (): string => join(folder, `${count++}.kv`);
const { openKv } = (globalThis as { Deno?: { openKv?: (path: string) => Promise<DenoKv> } }).Deno ??
  {};
const HOUR_MS = 3_600_000;

async function fails(code: string, step: () => Promise<unknown>): Promise<void> {
  await assert.rejects(step, (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Bytes that differ everywhere, so that parts in a wrong order show. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[at] = state >> 16;
  }
  return bytes;
}

async function countKeys(kv: DenoKv): Promise<number> {
  let found = 0;
  for await (const _ of kv.list({ prefix: ["eidetica"] })) found++;
  return found;
}

async function withKv(test: (kv: DenoKv, storage: StorageDriver) => Promise<void>): Promise<void> {
  const kv = await openKv!(":memory:");
  const storage = await denoKvStorage(kv);
  await test(kv, storage);
  await storage.close();
  kv.close();
}

const HERE = { skip: openKv === undefined && "Deno KV is there on Deno alone" };

if (openKv === undefined) {
  it("without Deno KV, opening it is Unavailable", () =>
    fails("Unavailable", () => denoKvStorage()));
} else {
  testStorage("deno kv in memory", () => denoKvStorage(":memory:"));
  testStorage("deno kv in a file", () => denoKvStorage(newPath()));
}

/** A database of the remote protocol, emptied; its access token is in DENO_KV_ACCESS_TOKEN. */
async function emptyRemote(): Promise<StorageDriver> {
  const kv = await openKv!(remote!);
  for await (const { key } of kv.list({ prefix: ["eidetica"] })) {
    const atomic = kv.atomic();
    atomic.delete(key as (string | number | Uint8Array)[]);
    await atomic.commit();
  }
  kv.close();
  return await denoKvStorage(remote);
}

const remote = process.env.EIDETICA_DENO_KV;
if (openKv !== undefined && remote !== undefined) testStorage("deno kv, remote", emptyRemote);
else it("deno kv, remote", { skip: "EIDETICA_DENO_KV names no database, or this is not Deno" });

describe("deno kv", HERE, () => {
  testModel(() => denoKvStorage(":memory:"));
  testRace("deno_kv", newPath, (path) => denoKvStorage(path));
  testKill("deno_kv", newPath, (path) => denoKvStorage(path));
  testExit("deno_kv", newPath);

  it("a local file belongs to the owner alone", async () => {
    const path = newPath();
    const storage = await denoKvStorage(path);
    await storage.commit({ set: [[utf8("a"), utf8("b")]] });
    for (const suffix of ["", "-wal", "-shm"]) {
      assert.equal(statSync(path + suffix).mode & 0o777, 0o600, suffix);
    }
    await storage.close();
  });
  it("a file that another process has locked is waited for", async () => {
    const path = newPath();
    const holder = startChild("hold_lock.ts", path, "300");
    const ended = exitCode(holder);
    await once(holder.stdout!, "data");
    const storage = await denoKvStorage(path);
    await storage.commit({ set: [[utf8("a"), utf8("1")]] });
    await storage.close();
    assert.equal(await ended, 0);
  });
  it("a missing file is NotFound, and stays missing, without `create`", async () => {
    const path = newPath();
    await fails("NotFound", () => denoKvStorage(path, { create: false }));
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  });
  it("a storage that is read only reads, and refuses to write with ReadOnly", async () => {
    const path = newPath();
    await fails("NotFound", () => denoKvStorage(path, { readOnly: true }));
    const writer = await denoKvStorage(path);
    await writer.commit({ set: [[utf8("a"), utf8("1")]] });
    const reader = await denoKvStorage(path, { readOnly: true });
    assert.equal(fromUtf8((await reader.get(utf8("a")))!.value), "1");
    await fails("ReadOnly", () => reader.commit({ set: [[utf8("a"), utf8("2")]] }));
    await reader.close();
    await writer.close();
  });
  it("a database in memory is neither durable nor shared, and says so; a file is both", async () => {
    const storages = [await denoKvStorage(":memory:"), await denoKvStorage(newPath())];
    const said = storages.map(({ capabilities: { durable, multiWriter } }) => [
      durable,
      multiWriter,
    ]);
    assert.deepEqual(said, [[false, false], [true, true]]);
    for (const storage of storages) await storage.close();
  });
  it("what cannot be opened is CannotOpen", async () => {
    const [directory, text] = [newPath(), newPath()];
    mkdirSync(directory);
    writeFileSync(text, "this is no database at all".repeat(100));
    await fails("CannotOpen", () => denoKvStorage(directory));
    await fails("CannotOpen", () => denoKvStorage(text));
    if (existsSync("/proc/self")) {
      await fails("CannotOpen", () => denoKvStorage("/proc/eidetica/no.kv"));
    }
  });
  it("00 §C5 missing folders are made for the owner alone, where a file may be created", async () => {
    const path = join(folder, "new", "dir", "x.kv");
    await fails("NotFound", () => denoKvStorage(path, { create: false }));
    assert.equal(existsSync(join(folder, "new")), false);
    await (await denoKvStorage(path)).close();
    for (const it of [dirname(path), dirname(dirname(path))]) {
      assert.equal(statSync(it).mode & 0o777, 0o700);
    }
  });
  it("behind a link, what another process writes is seen as well", async () => {
    const [path, link] = [newPath(), join(folder, "links", "x.kv")];
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(path, link);
    const storage = await denoKvStorage(link);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    // Deno's own watch tells of this process, so the polling for others is asked by itself.
    const versions = async (keys: readonly Uint8Array[]) =>
      (await storage.getMany(keys)).map((stored) => stored?.version);
    const polling = new KvPolling(versions, link);
    let [calls, wake] = [0, () => {}];
    const stop = polling.watch([utf8("a")], () => (calls++, wake()));
    while (calls < 1) await awake(new Promise<void>((resolve) => wake = resolve));
    // The files must have been quiet for a while to be trusted by their times.
    await new Promise((resolve) => setTimeout(resolve, 250));
    await storage.commit({ set: [[utf8("a"), utf8("1")]] });
    while (calls < 2) await awake(new Promise<void>((resolve) => wake = resolve));
    stop();
    await storage.close();
  });
  it("a remote database whose server is silent is given up by an abort, and nothing is left", async () => {
    const server = createServer((socket) => socket.resume().on("error", () => {}));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const closed: Promise<unknown>[] = [];
    server.on("connection", (socket) => closed.push(once(socket, "close")));
    const { port } = server.address() as AddressInfo;
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 50);
    const opening = denoKvStorage(`http://127.0.0.1:${port}/`, { signal: controller.signal });
    await assert.rejects(opening, { code: "Aborted", message: /enough/ });
    await Promise.all(closed);
    server.close();
  });
  it("a remote database that nobody serves is CannotOpen", async () => {
    await fails("CannotOpen", () => denoKvStorage("http://127.0.0.1:9/"));
  });
  it("values around and far beyond the limit of Deno KV come back whole", async () => {
    await withKv(async (_, storage) => {
      for (const length of [32_768, 32_769, 60_000, 60_001, 65_536, 120_000, 5_000_000]) {
        const value = noise(length, length);
        assert.equal((await storage.commit({ set: [[utf8("v"), value]] })).ok, true);
        assert.deepEqual((await storage.get(utf8("v")))!.value, value);
      }
      const pages = [];
      const range = { start: utf8("a"), end: utf8("z") };
      for await (const page of storage.list(range)) pages.push(...page);
      assert.deepEqual(pages.map(({ value }) => value.length), [5_000_000]);
    });
  });
  it("a batch of megabytes and hundreds of keys is applied as a whole or not at all", async () => {
    await withKv(async (kv, storage) => {
      const set = Array.from({ length: 400 }, (_, at) => {
        return [utf8(`key-${at}`), noise(at % 100 === 0 ? 300_000 : 5_000, at)] as const;
      });
      const wrong = [{ key: utf8("key-0"), version: "00000000000000000009" }];
      assert.deepEqual(await storage.commit({ set, checks: wrong }), { ok: false });
      assert.equal(await countKeys(kv), 0, "nothing is left of what was prepared");
      const result = await storage.commit({ set });
      assert.ok(result.ok);
      const read = await storage.getMany(set.map(([key]) => key));
      for (const [at, stored] of read.entries()) assert.deepEqual(stored!.value, set[at]![1]);
      assert.ok(read.every((stored) => stored!.version === result.version));
    });
  });
  it("what is too much for one transaction is TooLarge, and changes nothing", async () => {
    await withKv(async (kv, storage) => {
      const keys = Array.from({ length: 1001 }, (_, at) => utf8(`key-${at}`));
      const long = keys.slice(0, 200).map((key) => new Uint8Array([...key, ...noise(900, 1)]));
      const checks = keys.slice(0, 101).map((key) => ({ key, version: undefined }));
      await fails("TooLarge", () => storage.commit({ delete: keys }));
      await fails("TooLarge", () => storage.commit({ set: long.map((key) => [key, key]) }));
      await fails("TooLarge", () => storage.commit({ set: [[keys[0]!, keys[0]!]], checks }));
      for (const longest of [new Uint8Array(1014), new Uint8Array(2001).fill(1)]) {
        await fails("TooLarge", () => storage.commit({ set: [[longest, keys[0]!]] }));
      }
      assert.equal(await countKeys(kv), 0);
      for (const longest of [new Uint8Array(1013), new Uint8Array(2000).fill(1)]) {
        assert.equal((await storage.commit({ set: [[longest, keys[0]!]] })).ok, true);
        assert.deepEqual((await storage.get(longest))!.value, keys[0]!);
      }
    });
  });
  it("batches that are committed at once see each other in their order", async () => {
    await withKv(async (_, storage) => {
      const insert = (value: string) =>
        storage.commit({
          checks: [{ key: utf8("a"), version: undefined }],
          set: [[utf8("a"), utf8(value)], [utf8(value), utf8(value)]],
        });
      const results = await Promise.all([
        insert("1"),
        insert("2"),
        storage.commit({ delete: [utf8("a")] }),
        insert("3"),
      ]);
      assert.deepEqual(results.map(({ ok }) => ok), [true, false, true, true]);
      assert.equal(fromUtf8((await storage.get(utf8("a")))!.value), "3");
      assert.equal(await storage.get(utf8("2")), undefined);
    });
  });
  it("parts that were replaced or left by a crash go after an hour, those in use stay", async () => {
    await withKv(async (kv, storage) => {
      const value = noise(100_000, 1);
      await storage.commit({ set: [[utf8("kept"), value]] });
      await storage.commit({ set: [[utf8("replaced"), value]] });
      await storage.commit({ set: [[utf8("replaced"), utf8("small")]] });
      await writeParts(kv, utf8("crashed"), value, Date.now());
      assert.equal(await countKeys(kv), 2 + 3 * 3);
      await removeAbandoned(kv, Date.now() + HOUR_MS / 2);
      assert.equal(await countKeys(kv), 2 + 3 * 3);
      await removeAbandoned(kv, Date.now() + 2 * HOUR_MS);
      assert.equal(await countKeys(kv), 2 + 3);
      assert.deepEqual((await storage.get(utf8("kept")))!.value, value);
    });
  });
  it("a reader of a large value that is replaced all the time sees one or the other", async () => {
    await withKv(async (kv, storage) => {
      const values = [noise(200_000, 1), noise(150_000, 2)];
      const key = utf8("v");
      await storage.commit({ set: [[key, values[0]!]] });
      let isDone = false;
      const write = async () => {
        for (let at = 1; at <= 30; at++) {
          await storage.commit({ set: [[key, values[at % 2]!]] });
          await removeAbandoned(kv, Date.now() + 2 * HOUR_MS);
        }
        isDone = true;
      };
      const read = async () => {
        while (!isDone) {
          const { value } = (await storage.get(key))!;
          assert.deepEqual(value, values[value.length === 200_000 ? 0 : 1]);
        }
      };
      await Promise.all([write(), read()]);
    });
  });
  it("a database that is open already is watched by Deno KV's own watch, or by looks when that is lost", async () => {
    const path = newPath();
    const kv = await openKv!(path);
    const dying: DenoKv = {
      get: (key) => kv.get(key),
      getMany: (keys) => kv.getMany(keys),
      list: (range, options) => kv.list(range, options),
      atomic: () => kv.atomic(),
      watch: () => new ReadableStream({ pull: (to) => to.error(new Error("gone")) }),
      close: () => {},
    };
    for (const each of [kv, dying]) {
      const storage = await denoKvStorage(each, { listen: true });
      let [calls, wake] = [0, (): void => {}];
      const stop = storage.watch!([utf8("w")], () => (calls++, wake()));
      while (calls < 1) await awake(new Promise<void>((resolve) => wake = resolve));
      const seen = calls;
      await storage.commit({ set: [[utf8("w"), utf8("1")]] });
      while (calls === seen) await awake(new Promise<void>((resolve) => wake = resolve));
      stop();
      await storage.close();
    }
    kv.close();
  });
  it("watch() tells what another handle has written, until it is stopped", async () => {
    const path = newPath();
    const [mine, other] = [await denoKvStorage(path), await denoKvStorage(path)];
    const keys = Array.from({ length: 12 }, (_, at) => utf8(`k${at}`));
    let calls = 0;
    let wake = (): void => {};
    const next = () => new Promise<void>((resolve) => wake = resolve);
    const stop = mine.watch!(keys, () => (calls++, wake()));
    while (calls < 1) await awake(next());
    const seen = calls;
    await other.commit({ set: [[keys[11]!, utf8("1")]] });
    while (calls === seen) await awake(next());
    stop();
    await mine.close();
    await other.close();
  });
});
