import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { type FileOptions, fileStorage } from "../../src/storage/file/mod.ts";
import { StorageError } from "../../src/util/errors.ts";
import { fromUtf8, utf8 } from "../../src/util/bytes.ts";
import { testStorage } from "../../src/testing/storage.ts";
import { awake, killAfterLines, startChild, temporaryFolder } from "./child.ts";
import { testModel } from "./model.ts";
import { testExit, testKill, testRace } from "./processes.ts";
import { cases } from "../helpers/thorough.ts";

const folder = temporaryFolder();
let count = 0;
const newPath = (): string => join(folder, `store-${count++}`);
const open = (path: string, options?: FileOptions) => fileStorage(path, options);
const journal = (path: string): string => join(path, "journal");

async function fails(code: string, step: () => Promise<unknown>, path: string): Promise<void> {
  await assert.rejects(step, (error) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.equal(error.code, code, error.message);
    return error.message.includes(path);
  });
}

async function put(storage: StorageDriver, key: string, value: string): Promise<void> {
  assert.equal((await storage.commit({ set: [[utf8(key), utf8(value)]] })).ok, true);
}

async function read(storage: StorageDriver, key: string): Promise<string | undefined> {
  const stored = await storage.get(utf8(key));
  return stored === undefined ? undefined : fromUtf8(stored.value);
}

/** A storage with batches "0", "1", …, each of which sets `a` and `b` to its number; closed. */
async function filled(batches: number): Promise<string> {
  const path = newPath();
  const storage = await open(path);
  for (let at = 0; at < batches; at++) {
    const value = utf8(String(at));
    await storage.commit({ set: [[utf8("a"), value], [utf8("b"), value]] });
  }
  await storage.close();
  return path;
}

testStorage("file", () => open(newPath()));
testStorage("file with full durability", () => open(newPath(), { durability: "full" }));
describe("file: model", () => testModel(() => open(newPath())));

describe("file: opening", () => {
  it("directory and files belong to the owner alone", async () => {
    const path = newPath();
    const storage = await open(path);
    await put(storage, "a", "1");
    assert.equal(statSync(path).mode & 0o777, 0o700);
    for (const name of readdirSync(path)) {
      assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
    }
    await storage.close();
    assert.deepEqual(readdirSync(path), ["journal"]);
  });
  it("a missing storage is NotFound, and stays missing, without `create` or when read only", async () => {
    const path = newPath();
    await fails("NotFound", () => open(path, { create: false }), path);
    await fails("NotFound", () => open(path, { readOnly: true }), path);
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  });
  it("a file instead of a directory is CannotOpen", async () => {
    const path = newPath();
    writeFileSync(path, "");
    await fails("CannotOpen", () => open(path), path);
  });
  it("a directory that can never be made is CannotOpen at once", {
    skip: !existsSync("/proc/self") && "nothing here refuses folders so",
  }, () => fails("CannotOpen", () => open("/proc/eidetica/store"), "/proc/eidetica"));
  it("a journal that is a pipe is ForeignFile, and not waited at", {
    skip: process.platform === "win32" && "no pipes in folders here",
  }, async () => {
    const path = newPath();
    mkdirSync(path);
    execFileSync("mkfifo", [journal(path)]);
    await fails("ForeignFile", () => open(path), path);
    await fails("ForeignFile", () => open(path, { readOnly: true }), path);
  });
  it("a directory with other files is ForeignFile and stays as it is", async () => {
    const path = newPath();
    mkdirSync(path);
    writeFileSync(join(path, "letter.txt"), "dear");
    await fails("ForeignFile", () => open(path), path);
    assert.deepEqual(readdirSync(path), ["letter.txt"]);
  });
  it("a foreign journal is ForeignFile, one of a newer format UnsupportedSchema", async () => {
    const [foreign, newer] = [newPath(), newPath()];
    for (const path of [foreign, newer]) mkdirSync(path);
    writeFileSync(journal(foreign), "something else entirely");
    writeFileSync(journal(newer), new Uint8Array([...utf8("EIDETICA"), 0, 0, 0, 9]));
    await fails("ForeignFile", () => open(foreign), foreign);
    await fails("UnsupportedSchema", () => open(newer), newer);
    assert.deepEqual(readdirSync(foreign), ["journal"]);
  });
  it("a storage that is read only reads, sees what others write, and refuses to write", async () => {
    const path = await filled(3);
    const [reader, writer] = [await open(path, { readOnly: true }), await open(path)];
    assert.equal(await read(reader, "a"), "2");
    await put(writer, "a", "new");
    assert.equal(await read(reader, "a"), "new");
    await fails("ReadOnly", () => put(reader, "a", "x"), path);
    await reader.close();
    await writer.close();
  });
});

describe("file: crashes", () => {
  it("wherever the last batch is torn, all before it is there and none of it", async () => {
    const path = await filled(5);
    const whole = readFileSync(journal(path));
    const shorter = await filled(4);
    const lastFrame = readFileSync(journal(shorter)).length;
    for (let cut = lastFrame; cut < whole.length; cut++) {
      writeFileSync(journal(path), whole.subarray(0, cut));
      const storage = await open(path);
      assert.deepEqual([await read(storage, "a"), await read(storage, "b")], ["3", "3"]);
      await put(storage, "a", "after");
      await storage.close();
      const again = await open(path);
      assert.equal(await read(again, "a"), "after");
      await again.close();
    }
  });
  it("a torn end of zeros or noise is cut off", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (noise) => {
        const path = await filled(2);
        const size = statSync(journal(path)).size;
        appendFileSync(journal(path), noise);
        const storage = await open(path);
        assert.equal(await read(storage, "b"), "1");
        await storage.close();
        assert.equal(statSync(journal(path)).size, size);
      }),
      { numRuns: cases(20) },
    );
  });
  it("damage with batches behind it is Corrupt, and nothing is cut off", async () => {
    const path = await filled(5);
    const bytes = readFileSync(journal(path));
    bytes[60]! ^= 0xff;
    writeFileSync(journal(path), bytes);
    await fails("Corrupt", () => open(path), path);
    await fails("Corrupt", () => open(path, { readOnly: true }), path);
    assert.deepEqual(readFileSync(journal(path)), bytes);
  });
  it("a handle that sees a torn end of another process repairs it when it writes", async () => {
    const path = await filled(2);
    const storage = await open(path);
    appendFileSync(journal(path), readFileSync(journal(path)).subarray(12, 50));
    assert.equal(await read(storage, "a"), "1");
    await put(storage, "a", "2");
    await storage.close();
    const again = await open(path);
    assert.equal(await read(again, "a"), "2");
    await again.close();
  });
  it("the lock of a process that died is taken over", async () => {
    const path = await filled(1);
    const token = "00000000-0000-4000-8000-000000000000";
    const owner = join(path, `owner-${token}`);
    writeFileSync(owner, JSON.stringify({ token, pid: 4_194_300, host: hostname() }));
    linkSync(owner, join(path, "lock"));
    const [one, two] = await Promise.all([open(path), open(path)]);
    await put(one!, "a", "1");
    await put(two!, "a", "2");
    await one!.close();
    await two!.close();
    assert.deepEqual(readdirSync(path), ["journal"]);
  });
  it("the lock of a process is nobody's when another one has got its number", {
    skip: !existsSync("/proc/self/stat") && "nothing here tells when a process began",
  }, async () => {
    const token = "00000000-0000-4000-8000-000000000000";
    for (const pid of [process.pid, process.ppid]) {
      const path = await filled(1);
      const since = "an earlier boot 1";
      writeFileSync(join(path, "lock"), JSON.stringify({ token, pid, host: hostname(), since }));
      const storage = await open(path, { busyTimeoutMs: 30 });
      await put(storage, "a", "1");
      await storage.close();
      assert.deepEqual(readdirSync(path), ["journal"]);
    }
  });
  it("waiting for the lock hears an abort", async () => {
    const path = await filled(1);
    const token = "00000000-0000-4000-8000-000000000000";
    writeFileSync(join(path, "lock"), JSON.stringify({ token, pid: 1, host: "elsewhere" }));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 30);
    const opening = open(path, { busyTimeoutMs: 1e9, signal: controller.signal });
    await assert.rejects(opening, { code: "Aborted", message: /enough/ });
    assert.deepEqual(readdirSync(path).sort(), ["journal", "lock"], "nothing of it is left");
  });
  it("the lock of a living process, or of another machine, is waited for, then Busy", async () => {
    const holders = [{ pid: process.pid, host: hostname() }, { pid: 4_194_300, host: "elsewhere" }];
    for (const holder of holders) {
      const path = await filled(1);
      const token = "00000000-0000-4000-8000-000000000000";
      writeFileSync(join(path, "lock"), JSON.stringify({ token, ...holder }));
      await fails("Busy", () => open(path, { busyTimeoutMs: 30 }), join(path, "lock"));
    }
  });
});

describe("file: compaction", () => {
  it("a journal that is mostly out of date is replaced, and other handles follow", async () => {
    const path = newPath();
    const [writer, reader] = [await open(path), await open(path)];
    const value = "x".repeat(10_000);
    for (let at = 0; at < 400; at++) await put(writer, `k${at % 20}`, `${at}${value}`);
    assert.ok(statSync(journal(path)).size < 1_500_000, "4 MB were written, 200 KB are alive");
    assert.equal(await read(reader, "k19"), `399${value}`);
    await put(reader, "k0", "by the other");
    assert.equal(await read(writer, "k0"), "by the other");
    await writer.close();
    await reader.close();
    const again = await open(path);
    assert.equal(await read(again, "k1"), `381${value}`);
    await again.close();
  });
  it("a journal behind a link is replaced where it is", {
    skip: process.platform === "win32" && "links need a privilege here",
  }, async () => {
    const [path, elsewhere] = [await filled(1), join(folder, `elsewhere-${count++}`)];
    mkdirSync(elsewhere);
    renameSync(journal(path), journal(elsewhere));
    symlinkSync(journal(elsewhere), journal(path));
    const storage = await open(path);
    for (let at = 0; at < 300; at++) await put(storage, "k", `${at}${"x".repeat(10_000)}`);
    assert.equal(lstatSync(journal(path)).isSymbolicLink(), true);
    assert.ok(statSync(journal(elsewhere)).size < 1_500_000);
    await storage.close();
    assert.deepEqual([readdirSync(path), readdirSync(elsewhere)], [["journal"], ["journal"]]);
  });
  it("after kill -9 amid compactions, again and again, each key has its last value", {
    timeout: 240_000,
  }, async () => {
    const path = newPath();
    let compacted = 0;
    for (let round = 0; round < 6; round++) {
      const said = await killAfterLines(
        startChild("rewrite_forever.ts", "file", path),
        20 + 30 * round,
      );
      if (statSync(journal(path)).size < said.length * 50_000) compacted++;
      const storage = await open(path);
      const last = Number(await read(storage, "last"));
      assert.ok(last >= Number(said.at(-1)), `${last}, but ${said.at(-1)} was acknowledged`);
      for (let at = Math.max(0, last - 15); at <= last; at++) {
        assert.equal(Number((await read(storage, `k${at % 16}`))!.replaceAll(".", "")), at);
      }
      await storage.close();
      assert.deepEqual(readdirSync(path).filter((name) => name.startsWith("owner")), []);
    }
    assert.ok(compacted > 1, "journals were replaced meanwhile");
  });
  it("a version does not come back after a compaction either", async () => {
    const path = newPath();
    const storage = await open(path);
    await put(storage, "big", "x".repeat(1_200_000));
    await put(storage, "gone", "1");
    const { version } = (await storage.get(utf8("gone")))!;
    await storage.commit({ delete: [utf8("gone"), utf8("big")] });
    assert.ok(statSync(journal(path)).size < 1000, "it was compacted");
    await put(storage, "gone", "1");
    assert.ok((await storage.get(utf8("gone")))!.version > version);
    await storage.close();
  });
});

describe("file: other handles", () => {
  it("watch() and changeToken() tell what another handle has written", async () => {
    const path = newPath();
    const [mine, other] = [await open(path), await open(path)];
    const token = mine.changeToken!();
    let stop = (): void => {};
    const changed = new Promise<void>((resolve) => stop = mine.watch!([utf8("a")], resolve));
    await put(mine, "b", "own");
    assert.equal(mine.changeToken!(), token);
    await put(other, "a", "1");
    await awake(changed);
    assert.notEqual(mine.changeToken!(), token);
    stop();
    await mine.close();
    await other.close();
  });
  it("a journal that somebody else has cut is Corrupt to a handle that has read more", async () => {
    const path = await filled(3);
    const storage = await open(path);
    truncateSync(journal(path), 20);
    await fails("Corrupt", () => storage.get(utf8("a")), path);
    await storage.close();
  });
  it("batches of one group see each other, and one that is refused changes nothing", async () => {
    const path = newPath();
    const storage = await open(path);
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
    assert.deepEqual([await read(storage, "a"), await read(storage, "2")], ["3", undefined]);
    await storage.close();
  });
});

describe("file: processes", () => {
  testRace("file", newPath, open);
  testKill("file", newPath, open);
  testExit("file", newPath);
});
